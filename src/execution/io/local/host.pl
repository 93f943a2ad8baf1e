# What the launcher and its shims need of the host: clocks, records, process trees, cgroups, logs.
# No module is loaded where the system's numbers are known: every page of this program is copied
# again for each attempt. Without them it has 1.1 MiB of its own instead of 3.1 MiB.
# (measured 2026-11-21, 2-core VM; docs/decisions/0003-launcher-in-perl.md)
use strict;

sub WNOHANG()          { 1 }
sub CLOCK_REALTIME()   { 0 }
sub CLOCK_MONOTONIC()  { 1 }
sub PR_SET_PDEATHSIG() { 1 }
sub PR_SET_SUBREAPER() { 36 }
sub RUSAGE_CHILDREN()  { -1 }
sub AT_PAGESZ()        { 6 }
sub F_GETFL()          { 3 }
sub F_SETFL()          { 4 }
sub AT_FDCWD()         { -100 }
sub FOLLOW_LINK()      { 0x400 }
sub O_RDONLY()         { 0 }
sub O_WRONLY()         { 1 }
sub O_RDWR()           { 2 }
sub O_CLOEXEC()        { 0x80000 }
sub CLONE_NEWNET()     { 0x40000000 }
sub SIG_BLOCK()        { 0 }
sub SIG_SETMASK()      { 2 }
sub SFD_NONBLOCK()     { 0x800 }
sub SEGMENTS()         { 8 }
sub RMDIR_MS()         { 2_000 }
sub TREE_MAX()         { 100_000 }

our $linux = $^O eq 'linux';
our $calls = $linux ? systemCalls() : undef;
# Whether orphans below a shim become its children, so that without a child nothing is left.
our $adopts = defined $calls;
our ($again, $exists, $interrupted, $absent, $denied, $nonblock, $createNew);
if ($calls) {
    # asm-generic/errno-base.h and fcntl.h: the same on the three machines below.
    ($again, $exists, $interrupted, $absent, $denied, $nonblock) = (11, 17, 4, 2, 1, 2048);
    $createNew = 0100 | 0200 | 02000 | 1;
} else {
    require POSIX;
    require Errno;
    require Fcntl;
    ($again, $exists, $interrupted, $absent, $denied)
        = (Errno::EAGAIN(), Errno::EEXIST(), Errno::EINTR(), Errno::ENOENT(), Errno::EPERM());
    $nonblock = Fcntl::O_NONBLOCK();
    $createNew = Fcntl::O_CREAT() | Fcntl::O_EXCL() | Fcntl::O_APPEND() | Fcntl::O_WRONLY();
}

# Numbers of system calls by the machine that this perl was built for: e_machine of its ELF header.
sub systemCalls {
    open my $self, '<', '/proc/self/exe' or return undef;
    sysread $self, my $header, 20;
    my ($class, $type) = unpack 'x4 C x13 S', $header;
    return undef if $class != 2;
    return {
        read => 0, write => 1, close => 3, pread => 17, rusage => 98, setsid => 112, prctl => 157,
        sigmask => 14, wait4 => 61, clock => 228, exit => 231, openat => 257, linkat => 265,
        setns => 308, signalfd => 289, dup3 => 292,
    } if $type == 62;
    return {
        dup3 => 24, linkat => 37, openat => 56, setns => 268, close => 57, read => 63, write => 64, pread => 67, signalfd => 74,
        exit => 94, wait4 => 260, clock => 113, sigmask => 135, setsid => 157, rusage => 165, prctl => 167,
    } if $type == 183 || $type == 243;
    return undef;
}

sub nowMs {
    my ($clock) = @_;
    if ($calls) {
        my $spec = "\0" x 16;
        syscall($calls->{clock}, $clock // CLOCK_MONOTONIC, $spec);
        my ($seconds, $nanos) = unpack 'qq', $spec;
        return $seconds * 1000 + int($nanos / 1_000_000);
    }
    return time * 1000 if defined $clock && $clock == CLOCK_REALTIME;
    return int((POSIX::times())[0] * 1000 / POSIX::sysconf(POSIX::_SC_CLK_TCK()));
}

sub newSession { return $calls ? syscall($calls->{setsid}) : POSIX::setsid() }

sub callNumber { my ($name) = @_; return $calls ? $calls->{$name} : undef }

# Ends without running destructors or flushing what the parent had buffered.
sub leave {
    my ($code) = @_;
    syscall($calls->{exit}, $code) if $calls;
    POSIX::_exit($code);
}

# Orphans below this process become its children.
sub becomeSubreaper {
    syscall($calls->{prctl}, PR_SET_SUBREAPER, 1, 0, 0, 0) if $linux && $calls;
    return;
}

# Makes one of the standard files a copy of the handle.
sub becomeFile {
    my ($target, $handle) = @_;
    return syscall($calls->{dup3}, fileno $handle, fileno $target, 0) >= 0 if $calls;
    return open $target, '>&', $handle;
}

# A way into a cgroup: opened by the shim, written to by the task.
sub openGate {
    my ($path) = @_;
    my $fd = $calls ? openRaw($path, O_WRONLY) : undef;
    return { fd => $fd, path => $path, why => defined $fd ? '' : "$path: $!" };
}

sub enterGate {
    my ($gate) = @_;
    return spit($gate->{path}, '0') if !$calls;
    return 0 if !defined $gate->{fd};
    my $self = '0';
    return 1 if syscall($calls->{write}, $gate->{fd}, $self, 1) == 1;
    $gate->{why} = "$gate->{path}: $!";
    return 0;
}

sub closeGates { syscall $calls->{close}, $_->{fd} for grep { defined $_->{fd} } @_; return }

# The network namespace that the file holds. Without it the task must not run: it would have the host's network.
sub enterNamespace {
    my ($path) = @_;
    my $fd = $calls ? openRaw($path, O_RDONLY) : undef;
    die "$!: $path (its network)\n" if !defined $fd || syscall($calls->{setns}, $fd, CLONE_NEWNET) < 0;
    syscall($calls->{close}, $fd);
    return;
}

sub dieWithParent {
    my ($parent) = @_;
    syscall($calls->{prctl}, PR_SET_PDEATHSIG, 9, 0, 0, 0) if $linux && $calls;
    leave(127) if getppid() != $parent;
    return;
}

my $pageBytes;

sub pageSize {
    return $pageBytes if $pageBytes;
    my %auxv = unpack 'Q*', slurp('/proc/self/auxv') // '';
    return $pageBytes = $auxv{ +AT_PAGESZ } // 4096;
}

sub residentBytes {
    my ($root) = @_;
    my $pages = 0;
    for my $pid (descendants($root)) {
        my $statm = slurp("/proc/$pid/statm") // next;
        $pages += (split ' ', $statm)[1] // 0;
    }
    return $pages * pageSize();
}

# (CPU milliseconds, largest resident set of one process in bytes) of all children waited for.
sub childrenUsage {
    if (!$calls) { my (undef, undef, $user, $system) = times; return (int(($user + $system) * 1000), 0) }
    my $usage = "\0" x 144;
    syscall($calls->{rusage}, RUSAGE_CHILDREN, $usage);
    my ($us, $uus, $ss, $sus, $rssKiB) = unpack 'q5', $usage;
    return (int(($us + $ss) * 1000 + ($uus + $sus) / 1000), $rssKiB * 1024);
}

# Files of the kernel are small and many: by the calls themselves, which costs a third of a file handle.
sub openRaw {
    my ($path, $flags) = @_;
    my $fd = syscall $calls->{openat}, AT_FDCWD, $path, $flags | O_CLOEXEC;
    return $fd < 0 ? undef : $fd;
}

sub readRaw {
    my ($fd) = @_;
    my ($text, $buffer) = ('', "\0" x 4096);
    while ((my $n = syscall $calls->{pread}, $fd, $buffer, 4096, length $text) > 0) {
        $text .= substr $buffer, 0, $n;
        # The kernel fills what it is given as long as it has more to say of one thing.
        last if $n < 2048;
    }
    return $text;
}

sub slurp {
    my ($path) = @_;
    if ($calls) {
        my $fd = openRaw($path, O_RDONLY) // return undef;
        my $text = readRaw($fd);
        syscall $calls->{close}, $fd;
        return $text;
    }
    open my $file, '<', $path or return undef;
    my $text = '';
    1 while sysread $file, $text, 65536, length $text;
    return $text;
}

# The same, of a file that stays open until closeFiles.
sub slurpKept {
    my ($files, $path) = @_;
    return slurp($path) if !$calls || !$files;
    my $fd = $files->{$path};
    # A peak can be reset; in v2 only since Linux 6.12, and before only root may open it as if it could.
    $fd //= openRaw($path, O_RDWR) if $path =~ /peak|max_usage/;
    $fd //= openRaw($path, O_RDONLY) // return undef;
    $files->{$path} = $fd;
    return readRaw($fd);
}

sub closeRaw { syscall $calls->{close}, $_ for @_; return }

# What a file says after it was written to, which resets it; undef where it cannot be reset.
sub resetRaw {
    my ($fd) = @_;
    my $zero = '0';
    return syscall($calls->{write}, $fd, $zero, 1) == 1 ? readRaw($fd) : undef;
}

# For files of the kernel: what it says after the write; undef when it refuses.
sub writeAndReadBack {
    my ($path, $text) = @_;
    return spit($path, $text) ? slurp($path) =~ s/\n\z//r : undef if !$calls;
    my $fd = openRaw($path, O_RDWR) // return undef;
    my $written = syscall $calls->{write}, $fd, $text, length $text;
    my $why = $!;
    my $got = $written < 0 ? undef : readRaw($fd);
    syscall $calls->{close}, $fd;
    $! = $why;
    chomp $got if defined $got;
    return $got;
}

sub listFolder {
    my ($path) = @_;
    opendir my $folder, $path or return ();
    return grep { !/\A\./ } readdir $folder;
}

sub spit {
    my ($path, $text) = @_;
    open my $file, '>', $path or return 0;
    return writeAll($file, $text);
}

# To append to; only one who asks gets it.
sub createFile {
    my ($path) = @_;
    sysopen my $file, $path, $createNew, 0600 or return undef;
    return $file;
}

# Another name of an open file; only one who asks gets it.
sub linkFile {
    my ($file, $path) = @_;
    my $self = '/proc/self/fd/' . fileno $file;
    return syscall($calls->{linkat}, AT_FDCWD, $self, AT_FDCWD, $path, FOLLOW_LINK) == 0;
}

sub recordPath { my ($id) = @_; return "$main::attemptsDir/$id.record" }

# What its record is renamed to once its end is journalled.
sub settledPath { my ($id) = @_; return "$main::attemptsDir/$id.settled" }

# No attempt has such a name.
sub unstartedPath { my ($pid) = @_; return "$main::attemptsDir/.unstarted.$pid" }

sub stopPath { my ($id) = @_; return "$main::attemptsDir/$id.stop" }

sub writeAll {
    my ($file, $text) = @_;
    my $written = syswrite $file, $text;
    return defined $written && $written == length $text;
}

my $unread = '';

# The next line, where it is there already; it stays there.
sub peekLine {
    my ($pipe) = @_;
    my $end = index $unread, "\n";
    if ($end < 0 && isReadable($pipe)) {
        sysread $pipe, $unread, 1 << 20, length $unread;
        $end = index $unread, "\n";
    }
    return $end < 0 ? undef : substr $unread, 0, $end + 1;
}

# Lines that were taken, and are to come again.
sub putBack { $unread = join('', @_) . $unread; return }

sub isReadable {
    my ($pipe) = @_;
    vec(my $bits = '', fileno $pipe, 1) = 1;
    return select($bits, undef, undef, 0) > 0;
}

# The next line of a pipe; undef at its end.
sub nextLine {
    my ($pipe) = @_;
    my $end;
    until (($end = index $unread, "\n") >= 0) {
        my $n = sysread $pipe, $unread, 1 << 20, length $unread;
        return undef if defined $n ? $n == 0 : $! != $interrupted;
    }
    return substr $unread, 0, $end + 1, '';
}

# When the process began, in clock ticks since boot: tells it from a later one with the same pid. Empty of one that is
# dead, also where nobody has waited for it yet.
sub startTime {
    my ($pid) = @_;
    my $stat = slurp("/proc/$pid/stat") // return '';
    my @fields = split ' ', substr $stat, rindex($stat, ')') + 2;
    return ($fields[0] // 'Z') eq 'Z' ? '' : $fields[19] // '';
}

sub isAlive {
    my ($pid, $began) = @_;
    return kill(0, $pid) || $! == $denied ? 1 : 0 if !$linux;
    return $began ne '' && startTime($pid) eq $began;
}

# Signals as bytes of a file: one that comes just before a select must end it, which a handler of perl
# cannot promise, since it runs only between two operations. (asm-generic/signal.h, signalfd(2))
my %signals = (10 => 'USR1', 12 => 'USR2', 17 => 'CHLD');
my %unheard = (1 => 'HUP', 2 => 'INT', 13 => 'PIPE', 15 => 'TERM');

# From here on these signals come through the file of which this is the number, and the others not at all.
sub openSignals {
    if (!$calls) { $SIG{$_} = sub { } for values %unheard; return undef }
    my ($set, $all) = (pack('Q', 0)) x 2;
    vec($set, $_ - 1, 1) = 1 for keys %signals;
    vec($all, $_ - 1, 1) = 1 for keys %signals, keys %unheard;
    syscall $calls->{sigmask}, SIG_BLOCK, $all, 0, 8;
    # What is ignored stays so beyond exec.
    $SIG{$_} = 'DEFAULT' for values %unheard;
    my $fd = syscall $calls->{signalfd}, -1, $set, 8, SFD_NONBLOCK | O_CLOEXEC;
    die "signalfd: $!\n" if $fd < 0;
    return $fd;
}

# The names of the signals that came since.
sub takeSignals {
    my ($fd) = @_;
    my $buffer = "\0" x (128 * 8);
    my $n = syscall $calls->{read}, $fd, $buffer, length $buffer;
    return $n > 0 ? map { $signals{ unpack 'L', substr $buffer, $_ * 128, 4 } } 0 .. $n / 128 - 1 : ();
}

# In the task: one that came since the fork is met now.
sub unblockSignals {
    my $none = pack 'Q', 0;
    if ($calls) { syscall $calls->{sigmask}, SIG_SETMASK, $none, 0, 8 }
    else        { $SIG{$_} = 'DEFAULT' for values %unheard }
    return;
}

sub pause { my ($ms) = @_; select undef, undef, undef, $ms / 1000; return }

sub unblock {
    my ($handle) = @_;
    fcntl $handle, F_SETFL, fcntl($handle, F_GETFL, 0) | $nonblock;
    return $handle;
}

sub encode {
    my $line = join "\t", map { my $f = $_; $f =~ s/([%\t\n\r])/sprintf '%%%02X', ord $1/ge; $f } @_;
    return "$line\n";
}

sub decode {
    my ($line) = @_;
    chomp $line;
    my @fields = split /\t/, $line, -1;
    for (@fields) { s/%([0-9A-F]{2})/chr hex $1/ge if index($_, '%') >= 0 }
    return @fields;
}

# KEY=VALUE fields as { KEY => [VALUE, ...] }.
sub keyed {
    my %values;
    for (@_) { my ($key, $value) = split /=/, $_, 2; push @{ $values{$key} }, $value // '' }
    return \%values;
}

# What the record of an attempt says of its beginning, as { KEY => [VALUE, ...] }, and the line of its end.
sub readRecord {
    my ($id, $name) = @_;
    my (@fields, $ended);
    for my $line (split /^/, slurp("$main::attemptsDir/$id." . ($name // 'record')) // '') {
        next if $line !~ /\n\z/ || $line !~ /\A[a-z]+\t\Q$id\E[\t\n]/;
        if ($line =~ /\Aended\t/) { $ended = $line }
        else                      { push @fields, decode($line) }
    }
    return (keyed(@fields), $ended);
}

sub note { my ($text) = @_; syswrite STDERR, "launcher $$: $text\n"; return }

# All descendants of a process. The kernel lists children per thread.
sub descendants {
    my @open = @_;
    my @found;
    while (defined(my $pid = shift @open)) {
        for my $thread (listFolder("/proc/$pid/task")) {
            my @children = split ' ', slurp("/proc/$pid/task/$thread/children") // '';
            push @found, @children;
            push @open, @children;
        }
        last if @found > TREE_MAX;
    }
    return @found;
}

sub cgroupPids {
    my ($dirs) = @_;
    my %pids;
    for my $dir (values %$dirs) {
        $pids{$_} = 1 for split ' ', slurp("$dir/cgroup.procs") // '';
    }
    return grep { $_ > 0 } keys %pids;
}

# Everything that belongs to the attempt: by cgroup, and by descent from `root`.
sub treePids {
    my ($dirs, $root, $group) = @_;
    my %pids = map { $_ => 1 } cgroupPids($dirs), defined $root ? descendants($root) : ();
    if (!$linux && defined $group) { $pids{ -$group } = 1 if kill 0, -$group }
    return keys %pids;
}

# One round: the caller repeats it until nothing is left. In a cgroup no new process can begin.
sub killTree {
    my ($dirs, $root, $group) = @_;
    my $whole = $dirs->{all} // $dirs->{accounting};
    if (defined $whole) { spit("$whole/cgroup.kill", '1') }
    if (defined $dirs->{pids}) { spit("$dirs->{pids}/pids.max", '0') }
    # Parents first: a shell whose child ends before it may still take that for its own end, and tell of no signal.
    my @pids = sort { $a <=> $b } treePids($dirs, $root, $group);
    if (!%$dirs) { kill 'STOP', $_ for @pids }
    kill 'KILL', $_ for @pids;
    return scalar @pids;
}

# Processes of an attempt whose shim is gone, by the marks in their environment.
sub markedPids {
    my ($id) = @_;
    my $instance = slurp("$main::stateDir/instance") // return ();
    chomp $instance;
    my @found;
    for my $pid (grep { /\A\d+\z/ } listFolder('/proc')) {
        my $environ = slurp("/proc/$pid/environ") // next;
        next if index("\0$environ", "\0BERTH_INSTANCE=$instance\0") < 0;
        next if index("\0$environ", "\0BERTH_ATTEMPT_ID=$id\0") < 0;
        push @found, $pid;
    }
    return @found;
}

# Takes the record of an attempt that will never begin, so that nobody else begins it; false where somebody did, also
# where its end is settled already.
sub recordUnstarted {
    my ($id) = @_;
    my $end = encode('ended', $id, 'cause=unstarted', 'ended=' . nowMs(CLOCK_REALTIME));
    my $path = recordPath($id);
    # Whole, or not there: who is killed in between must leave none of one that began nothing.
    my $new = unstartedPath($$);
    # Of an earlier process with this number, which was killed right here.
    unlink $new;
    my $file = createFile($new);
    my $saved = $file && writeAll($file, $end) ? 1 : 0;
    my $made = link $new, $path;
    my $there = !$made && $! == $exists;
    unlink $new;
    return undef if $there;
    if ($made && -e settledPath($id)) { unlink $path; return undef }
    $saved &&= $made ? 1 : 0;
    chomp $end;
    return "$end\tsaved=$saved\n";
}

# Our parent cgroup may be gone: made when the daemon opened, and removed by who tidies up.
sub makeCgroup {
    my ($dir, $aspect) = @_;
    return 1 if mkdir($dir, 0755) || $! == $exists;
    return 0 if $! != $absent;
    my ($parent) = $dir =~ m{\A(.+)/};
    return 0 if !mkdir($parent, 0755) && $! != $exists;
    if ($aspect eq 'all') { spit("$parent/cgroup.subtree_control", "+$_") for qw(cpu memory pids cpuset io hugetlb) }
    return mkdir($dir, 0755) || $! == $exists;
}

# How many would not go, and the aspects of those that were gone before.
sub removeCgroups {
    my ($dirs) = @_;
    my $until = nowMs() + RMDIR_MS;
    my $left = 0;
    my @gone;
    my %unique = reverse %$dirs;
    for my $dir (keys %unique) {
        until (rmdir $dir) {
            if ($! == $absent) { push @gone, $unique{$dir}; last }
            if (nowMs() > $until) { $left++; last }
            pause(2);
        }
    }
    return ($left, @gone);
}

sub dirsOf { my ($record) = @_; return { map { split /:/, $_, 2 } @{ $record->{dir} // [] } } }

# `stdout.log`, then `stdout.log.<bytes before it>`; the oldest go when all together would pass the cap.
sub newLog {
    my ($path, $cap) = @_;
    my $segment = int($cap / SEGMENTS);
    if ($segment < 4096) { my $half = int($cap / 2); $segment = $half < 4096 ? $half : 4096 }
    return { path => $path, cap => $cap, segment => $segment, total => 0, size => 0, kept => [], lost => 0 };
}

sub segmentPath { my ($log, $base) = @_; return $base == 0 ? $log->{path} : "$log->{path}.$base" }

# The folder of an attempt is there once it has written something.
sub openSegment {
    my ($path) = @_;
    my $file;
    return $file if open $file, '>', $path;
    return undef if $! != $absent;
    mkdir $path =~ s{/[^/]+\z}{}r, 0700;
    return open($file, '>', $path) ? $file : undef;
}

sub appendLog {
    my ($log, $data) = @_;
    my $at = 0;
    my $length = length $data;
    while ($at < $length) {
        if ($log->{segment} == 0) { $log->{total} += $length - $at; return }
        if (!$log->{file} || $log->{size} >= $log->{segment}) {
            push @{ $log->{kept} }, $log->{total};
            while (@{ $log->{kept} } > 1
                && $log->{total} - $log->{kept}[0] + $log->{segment} > $log->{cap}) {
                unlink segmentPath($log, shift @{ $log->{kept} });
            }
            $log->{file} = openSegment(segmentPath($log, $log->{total}));
            $log->{size} = 0;
        }
        my $part = $log->{segment} - $log->{size};
        $part = $length - $at if $part > $length - $at;
        my $written = $log->{file} ? syswrite $log->{file}, $data, $part, $at : undef;
        if (!defined $written) {
            # A full disk: the bytes are counted, a new segment begins after them.
            $log->{lost} += $part;
            $written = $part;
            $log->{file} = undef;
        }
        $log->{size} += $written;
        $log->{total} += $written;
        $at += $written;
    }
    return;
}

1;
