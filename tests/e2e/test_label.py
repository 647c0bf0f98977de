"""The device's label, drawn by the command and read from a picture of it."""

import asyncio
import os
from asyncio.subprocess import PIPE
from pathlib import Path

import cv2
import numpy as np
import pytest
import zxingcpp
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from playwright.async_api import async_playwright

from hil.site.site import Site

pytestmark = pytest.mark.e2e


async def test_the_label_leads_to_the_console_and_names_its_certificate(
    site: Site, folder: Path
) -> None:
    site.settings["device"] = "S1_Front"
    site.settings["console"] = {"port": 9443, "folder": str(folder / "console")}
    site.write()
    label = folder / "label.svg"
    command = [*site.edged, "console", "label", str(label), "--config", site.config]
    drawing = await asyncio.create_subprocess_exec(
        *command, env={**os.environ, **site.env}, stdout=PIPE, stderr=PIPE
    )
    said, hint = await drawing.communicate()
    assert said.decode() == f"{label}\n"
    assert "hostnamectl set-hostname edged-s1-front\n" in hint.decode()
    certificate = x509.load_pem_x509_certificate((folder / "console" / "console.crt").read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert "edged-s1-front.local" in names.get_values_for_type(x509.DNSName)
    fingerprint = certificate.fingerprint(hashes.SHA256()).hex().upper()
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox"]
        )
        page = await chromium.new_page(device_scale_factor=3)
        await page.goto(label.as_uri())
        text = "".join(await page.locator("text").all_text_contents())
        png = await page.screenshot(path=folder / "label.png")
        await chromium.close()
    assert fingerprint in text.replace(" ", "")
    picture = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert picture is not None
    (found,) = zxingcpp.read_barcodes(picture)
    assert found.text == f"https://edged-s1-front.local:9443/#{fingerprint}"
