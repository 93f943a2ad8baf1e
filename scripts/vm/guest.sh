#!/usr/bin/env bash
# In the machine, as root: the suites, each from where a daemon may be started. guest.sh OUT
set -u
out=$1
root=$(pwd)
node=$root/node_modules/node/bin/node
bound=${BERTH_VM_SUITE_S:-900}
set -a
# shellcheck disable=SC1091
. ./vm.env
set +a
failed=0

echo "kernel $(uname -r), $(systemctl --version | head -n 1), $(nproc) CPUs, cgroup v2: $(cat /sys/fs/cgroup/cgroup.controllers)"
numactl -H | grep -E '^(available|node . cpus|node . size)'
# So many huge pages on each node, for their limit to be met.
for pages in /sys/devices/system/node/node*/hugepages/hugepages-2048kB/nr_hugepages; do echo 8 >"$pages"; done
mkdir -p node_modules/.bin
ln -sf ../node/bin/node node_modules/.bin/node
chmod -R go+rX "$root"
chmod 1777 /tmp

[ ! -e command.sh ] || { bash command.sh; exit; }
# suite NAME COMMAND…: its output goes to OUT/NAME.log, its count to the console.
suite() {
  local name=$1 began=$SECONDS rc try
  shift
  [[ $name =~ ^($BERTH_VM_ONLY)$ ]] || return 0
  for try in 1 2 3; do
    echo "== $name"
    timeout --kill-after=10 "$bound" "$@" >"$out/$name.log" 2>&1
    rc=$?
    # V8 trips over its own code pages under emulation now and then: nothing of ours was tested then.
    grep -q '^# Check failed: it->second.Size() > offset' "$out/$name.log" || break
    echo "== $name: Node itself crashed, try $try of 3"
  done
  [ "$rc" = 0 ] || { failed=1; grep -vE '^(✔|ℹ|﹣|▶ .*\(|[[:space:]]*✔)' "$out/$name.log" | tail -n "${BERTH_VM_TAIL:-150}"; }
  grep -E '^(Tests: .*|ℹ [^ptcsfd].*)$' "$out/$name.log"
  echo "== $name: exit $rc, $((SECONDS - began)) s"
}

tests() { echo "$node" --disable-warning=ExperimentalWarning scripts/test.ts --suite system --verbose --jobs 1 "$@"; }
as() {
  local user=$1 id
  shift
  id=$(id -u "$user")
  echo runuser -u "$user" -- env BERTH_TEST_PATIENCE=4 HOME="/home/$user" PATH="$PATH" XDG_RUNTIME_DIR="/run/user/$id" \
    DBUS_SESSION_BUS_ADDRESS="unix:path=/run/user/$id/bus" "$@"
}
unit='--wait --pipe --collect --quiet --same-dir --service-type=exec --setenv=NODE_COMPILE_CACHE=/tmp/node-cache --setenv=BERTH_TEST_PATIENCE=4'
delegated="$unit -p Delegate=yes"
own='/sys/fs/cgroup/user\.slice/user-[0-9]+\.slice/user@[0-9]+\.service/app\.slice/[^/]+\.service/berth-trial000'
set -f # what is expected is a pattern for file names, too
expect() { echo "--setenv=BERTH_EXPECT=$1"; }
"$node" src/app/main.ts --version >/dev/null
# A group is protected by no more than the one that it is in.
systemctl set-property --runtime system.slice MemoryLow=256M MemoryMin=64M

# shellcheck disable=SC2046,SC2086
{
  # Where systemd leaves the cgroup to a service; as a user outside of any unit of theirs, as one to whom an
  # administrator gave all controllers, as one who has what systemd gives by itself; in a unit that systemd keeps.
  suite root-delegated systemd-run $delegated -p MemoryLow=128M -p MemoryMin=32M \
    $(expect 'cgroup-v2./sys/fs/cgroup/system\.slice/[^/]+\.service/berth-trial000') $(tests $BERTH_VM_FILES)
  suite user-undelegated $(as ben BERTH_EXPECT=unprivileged $(tests $BERTH_VM_FILES))
  suite user-all-controllers $(as ada systemd-run --user $delegated $(expect cgroup-v2.$own) $(tests $BERTH_VM_FILES))
  suite user-by-default $(as ben systemd-run --user $delegated $(expect cgroup-v2.$own) $(tests $BERTH_VM_FILES))
  [ -z "$BERTH_VM_ROOT_FILES" ] || suite driver systemd-run $delegated $(tests $BERTH_VM_ROOT_FILES)
  suite root-undelegated systemd-run $unit \
    $(expect 'cgroup-v2./sys/fs/cgroup/system\.slice/berth-trial000') $(tests $BERTH_VM_FILES)
}
exit $failed
