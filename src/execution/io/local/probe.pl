#!/usr/bin/perl
# Runs a program where a task is: in its cgroups and namespaces, as its user, with its rights and its environment.
#
#   probe.pl ID PID SECONDS FILTER CWD ARGUMENT...    PID of the task as the launcher reported it; FILTER of system
#   calls in hexadecimal digits, or `-`. The environment comes on stdin, each variable ended by a NUL.
#
# Ends as the program does; with 125 where it cannot be run there. What it learns of the task it learns from the
# kernel, so that it holds after a restart of the daemon, too.
use strict;

our ($calls, $linux);
our $attemptsDir;    # of host.pl, which reads no records here

BEGIN {
    my $here = __FILE__ =~ m{\A(.*)/}s ? $1 : '.';
    $here = "./$here" if $here !~ m{\A/};
    require "$here/host.pl";
}

sub LOOK_MS()             { 20 }
sub BWRAP_DEPTH_MAX()     { 8 }
sub PR_CAPBSET_DROP()     { 24 }
sub PR_SET_NO_NEW_PRIVS() { 38 }
sub PR_SET_SECCOMP()      { 22 }
sub SECCOMP_FILTER()      { 2 }
sub CAPABILITY_V3()       { 0x20080522 }
sub CAP_MAX()             { 63 }

# Each namespace is entered by the rights that the one before gives.
my @namespaces = qw(user cgroup ipc uts net pid mnt);

sub refuse { syswrite STDERR, "@_\n"; leave(125) }

sub statusOf {
    my ($pid) = @_;
    return map { /\A(\w+):\s*(.*)/ ? ($1, $2) : () } split /\n/, slurp("/proc/$pid/status") // '';
}

# bwrap waits for the program that it isolates, in one process or two.
sub insideOf {
    my ($pid) = @_;
    for (1 .. BWRAP_DEPTH_MAX) {
        return $pid if (readlink("/proc/$pid/exe") // '') !~ m{/bwrap\z};
        my ($child) = split ' ', slurp("/proc/$pid/task/$pid/children") // '';
        return undef if !defined $child;
        $pid = $child;
    }
    return undef;
}

# The ways into the cgroups that it is in and we are not. Not that which freezes: what stands still there cannot be killed.
sub gatesOf {
    my ($pid) = @_;
    my %own = map { /\A\d+:([^:]*):(.*)/ ? ($1, $2) : () } split /\n/, slurp('/proc/self/cgroup') // '';
    my @mounts = map { [split / /] } split /\n/, slurp('/proc/self/mountinfo') // '';
    my @gates;
    for (split /\n/, slurp("/proc/$pid/cgroup") // '') {
        my (undef, $controllers, $path) = split /:/, $_, 3;
        next if $controllers =~ /\bfreezer\b/ || ($own{$controllers} // '') eq $path;
        my $mount = mountOf($controllers, @mounts) // next;
        my ($root, $at) = @$mount[ 3, 4 ];
        $path =~ s{\A\Q$root\E(?=/|\z)}{} if $root ne '/';
        push @gates, openGate("$at$path/cgroup.procs");
    }
    return @gates;
}

sub mountOf {
    my ($controllers, @mounts) = @_;
    my $type = $controllers eq '' ? 'cgroup2' : 'cgroup';
    for (@mounts) {
        my @words = @$_;
        my ($dash) = grep { $words[$_] eq '-' } 6 .. $#words;
        next if !defined $dash || $words[ $dash + 1 ] ne $type;
        my %options = map { $_ => 1 } split /,/, $words[ $dash + 3 ];
        return $_ if $type eq 'cgroup2' || !grep { !$options{$_} } split /,/, $controllers;
    }
    return undef;
}

sub namespacesOf {
    my ($pid) = @_;
    my @found;
    for my $name (@namespaces) {
        my $file = "/proc/$pid/ns/$name";
        my $theirs = readlink $file or next;
        next if $theirs eq (readlink("/proc/self/ns/$name") // '');
        my $fd = openRaw($file, O_RDONLY) // refuse("$!: $file");
        push @found, [ $name, $fd ];
    }
    return @found;
}

# Numbers of calls that host.pl does not need. (syscall tables of 6.1)
sub rightsCalls {
    return { capset => 126, setgroups => 116, setresgid => 119, setresuid => 117 } if $calls->{prctl} == 157;
    return { capset => 91, setgroups => 159, setresgid => 149, setresuid => 147 };
}

# What the other has of rights, and no more.
sub becomeLike {
    my (%status) = @_;
    my $rights = rightsCalls();
    my ($uid) = split ' ', $status{Uid};
    my ($gid) = split ' ', $status{Gid};
    my @groups = split ' ', $status{Groups} // '';
    my $bounds = hex $status{CapBnd};
    for (0 .. CAP_MAX) { syscall $calls->{prctl}, PR_CAPBSET_DROP, $_, 0, 0, 0 if !($bounds >> $_ & 1) }
    my $list = pack 'I*', @groups;
    # In a user namespace of its own it may have been refused, as it was to the task.
    my $mayGroup = syscall($rights->{setgroups}, scalar @groups, $list) == 0;
    refuse("setgroups: $!") if !$mayGroup && $( !~ /\A$gid\b/;
    syscall($rights->{setresgid}, $gid + 0, $gid + 0, $gid + 0) == 0 or refuse("setresgid: $!");
    syscall($rights->{setresuid}, $uid + 0, $uid + 0, $uid + 0) == 0 or refuse("setresuid: $!");
    # What a program inherits beyond that is for programs that are not its user's: none.
    my @masks = ((map { hex $status{$_} } qw(CapEff CapPrm)), 0);
    my $header = pack 'II', CAPABILITY_V3, 0;
    my $data = pack 'I6', (map { $_ & 0xffffffff } @masks), (map { $_ >> 32 } @masks);
    syscall($rights->{capset}, $header, $data) == 0 or refuse("capset: $!");
    if ($status{NoNewPrivs}) {
        syscall($calls->{prctl}, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 or refuse("no_new_privs: $!");
    }
    my %own = statusOf('self');
    for (qw(CapBnd CapPrm CapEff)) { refuse("$_ is $own{$_}") if hex($own{$_}) & ~hex $status{$_} }
    refuse("users are $own{Uid}") if $own{Uid} ne $status{Uid};
    return;
}

sub filterCalls {
    my ($filter) = @_;
    my $program = pack 'S x6 p', length($filter) / 8, $filter;
    syscall($calls->{prctl}, PR_SET_SECCOMP, SECCOMP_FILTER, $program, 0, 0) == 0 or refuse("seccomp: $!");
    return;
}

# It ends with the task, or when its time is over: what waits in a cgroup keeps that from going.
sub attend {
    my ($child, $task, $began, $seconds) = @_;
    my $until = nowMs() + $seconds * 1000;
    while (waitpid($child, WNOHANG) == 0) {
        kill 'KILL', -getpgrp() if nowMs() > $until || !isAlive($task, $began);
        pause(LOOK_MS);
    }
    leave($? & 127 ? 128 + ($? & 127) : $? >> 8);
}

my ($id, $task, $seconds, $filter, $cwd, @argv) = @ARGV;
my $given = '';
1 while sysread STDIN, $given, 1 << 20, length $given;
open STDIN, '<', '/dev/null';
refuse('this machine is not known') if !$calls;
my $began = startTime($task);
my $environ = slurp("/proc/$task/environ") // '';
my $inside = insideOf($task) // refuse('the task has not begun, or has ended');
my $ours = index("\0$environ", "\0BERTH_ATTEMPT_ID=$id\0") >= 0
    || (slurp("/proc/$task/cgroup") // '') =~ m{/\Q$id\E$}m;
refuse("process $task is not of $id") if !$ours;
my %status = statusOf($inside);
my $own = slurp("/proc/$inside/environ") // '';
# A program may write over what it was told.
$own = $given if index("\0$own", "\0BERTH_ATTEMPT_ID=$id\0") < 0;
my $nice = getpriority 0, $inside;
my @gates = gatesOf($inside);
my @others = namespacesOf($inside);
refuse('the task has ended') if !isAlive($task, $began) || !defined $status{CapBnd};
for (grep { $_->[0] =~ /\A(?:user|pid)\z/ } @others) {
    syscall($calls->{setns}, $_->[1], 0) == 0 or refuse("its namespace $_->[0]: $!");
}
my $child = fork // refuse("fork: $!");
attend($child, $task, $began, $seconds) if $child != 0;
for (@gates) { enterGate($_) or refuse($_->{why}) }
for (grep { $_->[0] !~ /\A(?:user|pid)\z/ } @others) {
    syscall($calls->{setns}, $_->[1], 0) == 0 or refuse("its namespace $_->[0]: $!");
}
setpriority 0, 0, $nice;
chdir $cwd or refuse("$!: $cwd");
becomeLike(%status);
# After the change of its user, which takes it back. The parent may be in another namespace of processes: it has no number here.
syscall $calls->{prctl}, PR_SET_PDEATHSIG, 9, 0, 0, 0;
%ENV = map { split /=/, $_, 2 } grep { /=/ } split /\0/, $own;
filterCalls(pack 'H*', $filter) if $filter ne '-' && ($status{Seccomp} // 0) == SECCOMP_FILTER;
{ no warnings; exec { $argv[0] } @argv; }
refuse("$!: $argv[0]");
