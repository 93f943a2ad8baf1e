#!/usr/bin/env bash
# Makes the machine that the suite boots: build-image.sh DIR → DIR/{vmlinuz,initrd.img,root.img}. Root, Debian, apt.
set -euo pipefail
dir=${1:?the folder that it is kept in}
here=$(cd "$(dirname "$0")" && pwd)
packages=systemd,systemd-sysv,dbus,dbus-user-session,udev,kmod,iproute2,util-linux,procps,numactl
packages+=,libpam-systemd,libatomic1,initramfs-tools,linux-image-cloud-amd64,perl,bubblewrap
stamp=$(cat "$0" "$here/guest-boot.sh" | sha256sum | cut -c1-16)
if [ "$(cat "$dir/stamp" 2>/dev/null)" = "$stamp" ]; then exit 0; fi
mkdir -p "$dir"
# The packages are the long part: kept when only what is put on top of them changes.
base="$dir/base-$(echo "$packages" | sha256sum | cut -c1-16).tar"
if [ ! -s "$base" ]; then
  rm -f "$dir"/base-*.tar
  timeout 1800 mmdebstrap --quiet --variant=apt --include="$packages" \
    --aptopt='Apt::Install-Recommends "false"' bookworm "$base.part.tar"
  mv "$base.part.tar" "$base"
fi
root=$(mktemp -d "$dir/root-XXXXXX")
trap 'rm -rf "$root"' EXIT
tar xf "$base" -C "$root"

install -m 755 "$here/guest-boot.sh" "$root/usr/local/sbin/berth-boot"
cat >"$root/etc/systemd/system/berth-boot.service" <<'UNIT'
[Unit]
Description=Berth's suite
After=basic.target systemd-logind.service dbus.service
Wants=systemd-logind.service dbus.service
[Service]
Type=exec
ExecStart=/usr/local/sbin/berth-boot
[Install]
WantedBy=multi-user.target
UNIT
ln -s ../berth-boot.service "$root/etc/systemd/system/multi-user.target.wants/"
# One user that gets all controllers from systemd, one that gets what systemd gives by itself.
mkdir -p "$root/etc/systemd/system/user@1000.service.d" "$root/var/lib/systemd/linger"
printf '[Service]\nDelegate=cpu cpuset io memory pids\n' \
  >"$root/etc/systemd/system/user@1000.service.d/delegate.conf"
for user in ada:1000 ben:1001; do
  chroot "$root" useradd --create-home --shell /bin/bash --uid "${user#*:}" "${user%:*}"
  touch "$root/var/lib/systemd/linger/${user%:*}"
done
echo berth-vm >"$root/etc/hostname"
printf '/dev/vda / ext4 rw,noatime 0 0\n' >"$root/etc/fstab"
rm -f "$root"/etc/systemd/system/timers.target.wants/*
for unit in systemd-timesyncd.service getty@.service serial-getty@.service apt-daily.timer; do
  ln -sf /dev/null "$root/etc/systemd/system/$unit"
done
cp -L "$root"/boot/vmlinuz-* "$dir/vmlinuz"
cp -L "$root"/boot/initrd.img-* "$dir/initrd.img"
rm -f "$dir/root.img"
mke2fs -q -t ext4 -O ^has_journal -d "$root" "$dir/root.img" 2500M
echo "$stamp" >"$dir/stamp"
