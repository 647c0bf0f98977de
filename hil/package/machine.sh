#!/bin/bash
# Makes what a virtual machine boots: the root folder as a disk, and an initrd that loads the modules for it.
# usage: machine.sh ROOT KERNEL DISK INITRD    KERNEL: what hil/gpio/build.sh made
set -euo pipefail
root=$1 kernel=$2 disk=$3 initrd=$4
abi=$(basename "$kernel"/kernel/lib/modules/*)
rm -f "$disk"
mke2fs -q -t ext4 -d "$root" "$disk" 3G

folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
mkdir -p "$folder"/{bin,modules,root}
cp /bin/busybox "$folder/bin"
for module in virtio_pci virtio_blk virtio_console ext4 9p 9pnet_virtio configfs \
    xhci_pci ftdi_sio usbhid hid_generic evdev; do
    modprobe -d "$kernel/kernel" -S "$abi" -D $module | sed -n 's/^insmod \([^ ]*\).*/\1/p'
done | awk '!seen[$0]++' | while read -r file; do
    cp "$file" "$folder/modules"
    basename "$file"
done >"$folder/modules/order"
cp "$kernel/gpio-sim/gpio-sim-oot.ko" "$folder/modules"
echo gpio-sim-oot.ko >>"$folder/modules/order"
cat >"$folder/init" <<'INIT'
#!/bin/busybox sh
/bin/busybox --install -s /bin
mkdir -p /dev /proc /sys
mount -t devtmpfs dev /dev
mount -t proc proc /proc
mount -t sysfs sys /sys
while read -r module; do insmod "/modules/$module"; done </modules/order
mount -t ext4 /dev/vda /root
mkdir -p /root/opt/rig
mount -t 9p -o trans=virtio,version=9p2000.L,ro,cache=loose,msize=262144 rig /root/opt/rig || true # if there is one
umount /proc /sys
exec switch_root /root /sbin/init
INIT
chmod +x "$folder/init"
(cd "$folder" && find . | cpio -o -H newc --quiet | gzip -1) >"$initrd"
