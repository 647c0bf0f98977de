#!/bin/bash
# Makes what the virtual machine boots: Debian's own kernel, the modules that it needs, and gpio-sim,
# which Debian doesn't build, from Debian's kernel source. Each stage is kept in WORK.
# usage: build.sh WORK    needs root, Debian 12 and its package archive
set -euo pipefail
work=$(mkdir -p "$1" && cd "$1" && pwd)
cd "$work"
abi=$(apt-cache depends linux-image-amd64 | sed -n 's/.*Depends: linux-image-\([0-9].*-amd64\)/\1/p')

tools=(qemu-system-x86 qemu-utils kmod busybox-static cpio make gcc xz-utils linux-kbuild-6.1 "linux-headers-$abi")
dpkg -s "${tools[@]}" >/dev/null 2>&1 ||
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${tools[@]}"

if [ ! -e vmlinuz ]; then
    rm -rf kernel
    ls linux-image-"$abi"_*.deb >/dev/null 2>&1 || apt-get download -qq "linux-image-$abi"
    dpkg-deb -x linux-image-"$abi"_*.deb kernel
    depmod -b kernel "$abi"
    cp "kernel/boot/vmlinuz-$abi" vmlinuz
fi

if [ ! -e gpio-sim/gpio-sim-oot.ko ]; then
    rm -rf gpio-sim source
    mkdir -p gpio-sim source
    ls linux-source-6.1_*.deb >/dev/null 2>&1 || apt-get download -qq linux-source-6.1
    dpkg-deb --fsys-tarfile linux-source-6.1_*.deb | tar -xO ./usr/src/linux-source-6.1.tar.xz |
        tar -xJ -C source --strip-components=1 --wildcards \
            '*/drivers/gpio/gpio-sim.c' '*/drivers/gpio/gpiolib.h' '*/kernel/irq/irq_sim.c'
    cp source/drivers/gpio/* source/kernel/irq/irq_sim.c gpio-sim
    # irq_to_desc is not exported to modules; generic_handle_irq runs the same handler
    sed -i 's/handle_simple_irq(irq_to_desc(\(.*\)));/generic_handle_irq(\1);/' gpio-sim/irq_sim.c
    printf '%s\n' 'obj-m := gpio-sim-oot.o' 'gpio-sim-oot-y := gpio-sim.o irq_sim.o' \
        'ccflags-y := -DCONFIG_IRQ_SIM=1' >gpio-sim/Makefile
    make -s -C "/usr/src/linux-headers-$abi" M="$work/gpio-sim" modules
fi

rm -rf initrd
mkdir -p initrd/bin initrd/modules initrd/host
cp /bin/busybox initrd/bin
for module in virtio_pci 9p 9pnet_virtio configfs; do
    modprobe -d kernel -S "$abi" -D $module | sed -n 's/^insmod \([^ ]*\).*/\1/p'
done | awk '!seen[$0]++' | while read -r file; do
    cp "$file" initrd/modules
    basename "$file"
done >initrd/modules/order
cp gpio-sim/gpio-sim-oot.ko initrd/modules
echo gpio-sim-oot.ko >>initrd/modules/order
printf 'Revision\t: c03115\nModel\t\t: Raspberry Pi 4 Model B Rev 1.5\n' >initrd/cpuinfo
cat >initrd/init <<'INIT'
#!/bin/busybox sh
/bin/busybox --install -s /bin
mkdir -p /dev /proc /sys
mount -t devtmpfs dev /dev
mount -t proc proc /proc
mount -t sysfs sys /sys
while read -r module; do insmod "/modules/$module"; done </modules/order
mount -t 9p -o trans=virtio,version=9p2000.L,ro,cache=loose,msize=262144 host /host || poweroff -f
for kind in dev proc sys; do mount --move /$kind /host/$kind; done
for folder in tmp run; do mount -t tmpfs $folder /host/$folder; done
mount -t configfs none /host/sys/kernel/config
mount -t tracefs none /host/sys/kernel/tracing
mount --bind /cpuinfo /host/proc/cpuinfo
python=$(sed 's/.*rig.python=\([^ ]*\).*/\1/' /host/proc/cmdline)
home=$(sed 's/.*rig.home=\([^ ]*\).*/\1/' /host/proc/cmdline)
export HOME=/tmp PYTHONPATH=$home PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
chroot /host "$python" -m hil.gpio.guest >/host/dev/ttyS0 2>&1
poweroff -f
INIT
chmod +x initrd/init
(cd initrd && find . | cpio -o -H newc --quiet | gzip -1 >../initrd.gz)
