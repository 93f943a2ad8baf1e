#!/usr/bin/env bash
# The suites of limits on a kernel with cgroup v2, systemd and two NUMA nodes, in a virtual machine. Opt-in: root,
# x86-64, `apt install qemu-system-x86 mmdebstrap`; the machine is built once (minutes, 2 GB) and kept in
# BERTH_VM_DIR or ~/.cache/berth-vm. See CONTRIBUTING.md.
#   scripts/test-vm.sh [--keep DIR] [--only PATTERN] [FILE…]
#                                                  DIR: for logs; PATTERN: of the suites in scripts/vm/guest.sh; other
#                                                  test files than the usual ones
#   scripts/test-vm.sh --command 'SHELL COMMAND'   instead of the suites, as root in the working tree; no count
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
dir=${BERTH_VM_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/berth-vm}
accelerator=${BERTH_VM_ACCEL:-tcg,thread=multi,tb-size=512}
cpu=${BERTH_VM_CPU:-max}
seconds=${BERTH_VM_SECONDS:-1800}
for tool in qemu-system-x86_64 mmdebstrap mke2fs; do
  command -v "$tool" >/dev/null || { echo "test-vm: no $tool: apt install qemu-system-x86 mmdebstrap e2fsprogs" >&2; exit 69; }
done
work=$(mktemp -d /tmp/berth-vm-XXXXXX)
pid=
tidy() {
  if [ -n "$pid" ] && kill -0 "$pid" 2>/dev/null; then kill "$pid"; fi
  rm -rf "$work"
}
trap tidy EXIT
trap 'exit 130' INT TERM
keep=$work/out
command=
only='.*'
while [ $# -gt 1 ]; do
  case $1 in
    --keep) keep=$2 ;;
    --only) only=$2 ;;
    --command) command=$2 ;;
    *) break ;;
  esac
  shift 2
done
mkdir -p "$keep" "$dir"
exec 9>"$dir/lock"
flock -w 10 9 || { echo "test-vm: another run holds $dir/lock" >&2; exit 75; }
nice -n 10 "$root/scripts/vm/build-image.sh" "$dir"

# The working tree as it is, what it needs to run, and the packed package beside it.
cd "$root"
node_modules/.bin/node scripts/vm/needed-packages.ts >"$work/packages"
git ls-files -z --cached --others --exclude-standard | xargs -0 ls -d 2>/dev/null >"$work/files" || true
files=${*:-test/system/enforcement.test.ts}
root_files=
[ $# -gt 0 ] || root_files='test/system/cgroups.test.ts test/system/devices.test.ts test/system/device-program.test.ts'
mkdir "$work/tree"
printf "BERTH_VM_FILES='%s'\nBERTH_VM_ROOT_FILES='%s'\nBERTH_VM_ONLY='%s'\n" "$files" "$root_files" "$only" >"$work/tree/vm.env"
[ -z "$command" ] || printf '%s\n' "$command" >"$work/tree/command.sh"
tar cf "$work/in.tar" --dereference --hard-dereference -C "$root" -T "$work/files" -T "$work/packages" -C "$work/tree" .
truncate -s %512 "$work/in.tar"
truncate -s 64M "$work/out.tar"

nice -n 10 timeout --kill-after=5 "$seconds" qemu-system-x86_64 -accel "$accelerator" -cpu "$cpu" \
  -machine q35 -m 2048 -smp 2,sockets=2,cores=1 \
  -object memory-backend-ram,id=m0,size=1024M -object memory-backend-ram,id=m1,size=1024M \
  -numa node,nodeid=0,cpus=0,memdev=m0 -numa node,nodeid=1,cpus=1,memdev=m1 -numa dist,src=0,dst=1,val=21 \
  -kernel "$dir/vmlinuz" -initrd "$dir/initrd.img" \
  -append "root=/dev/vda rw console=ttyS0 quiet loglevel=3 systemd.unified_cgroup_hierarchy=1 psi=1 mitigations=off audit=0" \
  -drive "file=$dir/root.img,format=raw,if=virtio,snapshot=on" \
  -drive "file=$work/in.tar,format=raw,if=virtio,readonly=on" \
  -drive "file=$work/out.tar,format=raw,if=virtio" \
  -nodefaults -no-user-config -display none -serial "file:$work/console" -no-reboot </dev/null &
pid=$!
# The console as it comes; waited for by `wait`, which a signal ends.
touch "$work/console"
tail -n +1 -f --pid=$pid "$work/console" 2>/dev/null | sed -u 's/\r$//' &
shown=$!
wait "$pid" || echo "test-vm: the machine ended with $?" >&2
pid=
wait "$shown" || true
tar xf "$work/out.tar" -C "$keep" 2>/dev/null || true
[ -z "$command" ] || exit "$(cat "$keep/rc" 2>/dev/null || echo 1)"
passed=0 failed=0 skipped=0
for log in "$keep"/*.log; do
  count=$(grep -E '^Tests: [0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$' "$log" 2>/dev/null | tail -n 1) || count=
  # A suite that printed no count failed as a whole.
  [ -n "$count" ] || { failed=$((failed + 1)); continue; }
  read -r _ p _ f _ s _ <<<"$count"
  passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
done
rc=$(cat "$keep/rc" 2>/dev/null || echo 1)
[ "$rc" = 0 ] || [ "$failed" -gt 0 ] || failed=1
echo "Tests: $passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
