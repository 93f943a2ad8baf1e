# Execution terms of a task: what its groups are set to, and what it does itself before exec. Each is read
# back; one that does not hold is reported as held by nothing, with the reason, and the task runs on.
#
#   term NAME:BY:NOTE...             what is promised
#   hold NAME:ASPECT:FILE:VALUE...   written to its group before it joins; a device-program, in hexadecimal digits, is
#                                    attached to it
#   act NAME:ACT:VALUE...            a system call of the task
use strict;

sub PRIO_PROCESS()       { 0 }
sub IOPRIO_WHO_PROCESS() { 1 }
sub PR_SET_THP_DISABLE() { 41 }
sub PR_GET_THP_DISABLE() { 42 }
sub MASK_BYTES()         { 128 }     # 1,024 CPUs or NUMA nodes
sub TERM_NOTE_MAX()      { 160 }
sub O_NONBLOCK()         { 0x800 }
sub BPF_PROG_LOAD()      { 5 }
sub BPF_PROG_ATTACH()    { 8 }
sub BPF_PROG_QUERY()     { 16 }
sub CGROUP_DEVICE_TYPE() { 15 }      # of a program
sub CGROUP_DEVICE_AT()   { 6 }       # where it is attached
sub BPF_F_ALLOW_MULTI()  { 2 }       # those above and below hold, too

our ($linux, $calls);
my %policies = (other => 0, batch => 3, idle => 5);    # linux/sched.h

# In the shim, once the groups are there.
sub holdTerms {
    my ($s) = @_;
    my ($held, $dirs) = @$s{qw(held dirs)};
    for (@{ $s->{ask}{hold} // [] }) {
        my ($term, $aspect, $file, $value) = split /:/, $_, 4;
        push @{ $held->{termsOf}{$aspect} }, $term;
        my $dir = $dirs->{$aspect} // ($aspect eq 'accounting' ? undef : $dirs->{all});
        if (!defined $dir) { loseTerm($held, $term, "there is no $aspect group"); next }
        if ($file eq 'device-program') {
            my $why = attachDevices($dir, pack 'H*', $value);
            loseTerm($held, $term, $why) if defined $why;
            next;
        }
        my $got = writeAndReadBack("$dir/$file", $value);
        if (!defined $got) { loseTerm($held, $term, "$file: $!"); next }
        $got = slurp("$dir/devices.list") // '' if $file =~ /\Adevices\./;
        # Cgroup v2 keeps a list that those above do not allow, and uses theirs.
        $got = (slurp("$dir/$file.effective") // $got) =~ s/\n\z//r if $got eq $value && $file =~ /\Acpuset\./;
        loseTerm($held, $term, "$file: wrote '$value', it says '$got'") if !saysTerm($file, $value, $got);
    }
    return;
}

# A program that the kernel asks at each open of a device file by the group; gone with the group. Undefined when it holds.
sub attachDevices {
    my ($dir, $program) = @_;
    my $calls = termCalls() // return 'the system calls of this machine are not known';
    my $license = "none\0";
    my $ask = pack 'LLQQx24', CGROUP_DEVICE_TYPE, length($program) / 8, map { unpack 'Q', pack 'P', $_ } $program, $license;
    my $loaded = syscall $calls->{bpf}, BPF_PROG_LOAD, $ask, length $ask;
    return "bpf, load: $!" if $loaded < 0;
    my $group = openRaw($dir, O_RDONLY) // return "$dir: $!";
    $ask = pack 'LLLL', $group, $loaded, CGROUP_DEVICE_AT, BPF_F_ALLOW_MULTI;
    my $why = 0 == syscall($calls->{bpf}, BPF_PROG_ATTACH, $ask, length $ask) ? undef : "bpf, attach: $!";
    my $ids = "\0" x 256;
    $ask = pack 'LLx8QLx4', $group, CGROUP_DEVICE_AT, unpack('Q', pack 'P', $ids), 64;
    $why //= "bpf, query: $!" if 0 > syscall $calls->{bpf}, BPF_PROG_QUERY, $ask, length $ask;
    $why //= 'the kernel says that no program is attached' if !unpack 'L', $ids;
    closeRaw($_) for $loaded, $group;
    return $why;
}

# Whether what a file says is what was written to it. Some say one line for each device.
sub saysTerm {
    my ($file, $value, $got) = @_;
    return 1 if $got eq $value;
    # Rounded down to pages.
    return 1 if $file =~ /\A(?:memory|hugetlb)/ && "$got$value" =~ /\A\d+\z/ && $got <= $value && $value - $got < 65536;
    my @lines = split /\n/, $got;
    # Of what is refused while all else is allowed the kernel says nothing: the task tries it.
    return $value ne 'a' || !grep { /\Aa / } @lines if $file eq 'devices.deny';
    return 1 if grep { $_ eq $value } @lines;
    return 0 if $file ne 'io.max';
    my ($device, @rules) = split / /, $value;
    for (@lines) {
        my ($of, @has) = split / /;
        next if $of ne $device;
        my %has = map { $_ => 1 } @has;
        return !grep { !$has{$_} } @rules;
    }
    return 0;
}

sub loseTerm {
    my ($held, $term, $why) = @_;
    $why =~ s/\s+/ /g;
    $why = substr $why, 0, TERM_NOTE_MAX;
    for (@{ $held->{term} }) { s/\A(\Q$term\E):(?!none:).*/$1:none:$why/s }
    return;
}

# Of terms that have no name of their own: what became of a whole group.
sub loseTermsOf {
    my ($held, $aspect, $why) = @_;
    my $of = $held->{termsOf} // return;
    my @aspects = $aspect eq 'all' ? grep { $_ ne 'accounting' } keys %$of : $aspect;
    for (map { @{ $of->{$_} // [] } } @aspects) { loseTerm($held, $_, $why) }
    return;
}

sub termFields { my ($held) = @_; return map { "term=$_" } @{ $held->{term} // [] } }

# In the task: calls `lost` with the name of each term that does not hold, and why.
sub actTerms {
    my ($ask, $lost) = @_;
    for (@{ $ask->{act} // [] }) {
        my ($term, $act, $value) = split /:/, $_, 3;
        my $why = actTerm($act, $value);
        $lost->($term, $why) if defined $why;
    }
    return;
}

# Undefined when it holds.
sub actTerm {
    my ($act, $value) = @_;
    if ($act eq 'nice') {
        setpriority(PRIO_PROCESS, 0, $value) or return "setpriority: $!";
        my $got = getpriority PRIO_PROCESS, 0;
        return $got == $value ? undef : "the kernel says nice $got";
    }
    if ($act eq 'oom') {
        my $got = writeAndReadBack('/proc/self/oom_score_adj', $value);
        return "oom_score_adj: $!" if !defined $got;
        return $got eq $value ? undef : "the kernel says $got";
    }
    if ($act eq 'closed') {
        my $fd = openRaw($value, O_RDONLY | O_NONBLOCK) // return undef;
        closeRaw($fd);
        return "$value can be opened";
    }
    my $calls = termCalls() // return 'the system calls of this machine are not known';
    if ($act eq 'policy') {
        my $parameters = pack 'i', 0;
        0 == syscall $calls->{setscheduler}, 0, $policies{$value}, $parameters or return "sched_setscheduler: $!";
        my $got = syscall $calls->{getscheduler}, 0;
        return $got == $policies{$value} ? undef : "the kernel says policy $got";
    }
    if ($act eq 'ioprio') {
        my ($class, $level) = split /:/, $value;
        my $wanted = $class << 13 | $level;
        0 == syscall $calls->{ioprioSet}, IOPRIO_WHO_PROCESS, 0, $wanted or return "ioprio_set: $!";
        my $got = syscall $calls->{ioprioGet}, IOPRIO_WHO_PROCESS, 0;
        # Since 6.6 the kernel adds hints below bit 13.
        return ($got >> 13) == $class && ($class == 3 || ($got & 7) == $level) ? undef : "the kernel says $got";
    }
    if ($act eq 'thp') {
        0 == syscall $calls->{prctl}, PR_SET_THP_DISABLE, $value + 0, 0, 0, 0 or return "prctl: $!";
        my $got = syscall $calls->{prctl}, PR_GET_THP_DISABLE, 0, 0, 0, 0;
        return $got == $value ? undef : "the kernel says $got";
    }
    if ($act eq 'mempolicy') {
        my ($mode, $list) = split /:/, $value;
        my $mask = bitMask(split /,/, $list);
        # The kernel takes one off.
        0 == syscall $calls->{setMempolicy}, $mode + 0, $mask, MASK_BYTES * 8 + 1 or return "set_mempolicy: $!";
        my ($gotMode, $gotMask) = (pack('i', -1), "\0" x MASK_BYTES);
        0 == syscall $calls->{getMempolicy}, $gotMode, $gotMask, MASK_BYTES * 8 + 1, 0, 0 or return "get_mempolicy: $!";
        return unpack('i', $gotMode) == $mode && $gotMask eq $mask ? undef : 'the kernel says another policy';
    }
    if ($act eq 'affinity') {
        my $mask = bitMask(split /,/, $value);
        0 == syscall $calls->{setAffinity}, 0, MASK_BYTES, $mask or return "sched_setaffinity: $!";
        my $got = "\0" x MASK_BYTES;
        0 < syscall $calls->{getAffinity}, 0, MASK_BYTES, $got or return "sched_getaffinity: $!";
        return $got eq $mask ? undef : 'the kernel leaves it fewer CPUs';
    }
    return "unknown: $act";
}

sub bitMask {
    my $mask = "\0" x MASK_BYTES;
    for (@_) { vec($mask, $_, 1) = 1 if $_ < MASK_BYTES * 8 }
    return $mask;
}

# Of the machines that host.pl knows, told apart by the number of a call that it knows. (syscall tables of 6.1)
sub termCalls {
    my $prctl = callNumber('prctl') // return undef;
    return {
        prctl => $prctl, setscheduler => 144, getscheduler => 145, ioprioSet => 251, ioprioGet => 252,
        setMempolicy => 238, getMempolicy => 239, setAffinity => 203, getAffinity => 204, bpf => 321,
    } if $prctl == 157;
    return {
        prctl => $prctl, setscheduler => 119, getscheduler => 120, ioprioSet => 30, ioprioGet => 31,
        setMempolicy => 237, getMempolicy => 236, setAffinity => 122, getAffinity => 123, bpf => 280,
    };
}

# How long the processes of its group stalled, said at the end in the place of the note. The group may be one
# that the task took over: what was counted before is not its own.
sub tellPressure {
    my ($s) = @_;
    my $held = $s->{held};
    return if !grep { /\Apressure:(?!none:)/ } @{ $held->{term} // [] };
    my $dir = $s->{dirs}{accounting} // $s->{dirs}{all};
    my @stalls;
    for my $what (qw(cpu memory io)) {
        next if !defined $dir;
        my ($micros) = (slurp("$dir/$what.pressure") // '') =~ /^some .*\btotal=(\d+)/m;
        next if !defined $micros;
        push @stalls, sprintf '%s %.0f ms', $what, ($micros - ($held->{stalled}{$what} // 0)) / 1000;
        $held->{stalled}{$what} = $micros;
    }
    return loseTerm($held, 'pressure', 'the kernel keeps no account of it') if !@stalls;
    my $found = 'stalled for ' . join ', ', @stalls;
    s/\Apressure:accounting:.*/pressure:accounting:$found/s for @{ $held->{term} };
    return;
}

1;
