#!/bin/bash
# In the machine: unpacks /dev/vdb, runs its scripts/vm/guest.sh, leaves /var/out on /dev/vdc, and switches off.
mkdir -p /opt/berth /var/out
cd /opt/berth || exit 1
tar xf /dev/vdb
echo "berth-vm: begin $(cut -d' ' -f1 /proc/uptime)" >/dev/ttyS0
bash scripts/vm/guest.sh /var/out 2>&1 | tee /var/out/log >/dev/ttyS0
echo "${PIPESTATUS[0]}" >/var/out/rc
tar cf /dev/vdc -C /var/out .
echo "berth-vm: end $(cut -d' ' -f1 /proc/uptime)" >/dev/ttyS0
sync
systemctl poweroff --force --force
