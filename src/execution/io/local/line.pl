# A line of attempts that take over each other's place: a runner, a fork of the shim, begins one task after
# another, and records by itself the end of each that succeeded and said nothing. The shim looks every TELL_MS,
# passes on what was recorded, and attends to the one that runs when there is more to do for it.
#
# After a fork each page that is written to is copied: the shim would pay for all that it does between two tasks
# (0.8 ms of 1.4), the runner does little. And where nothing is said, nobody is woken between two tasks.
use strict;

sub RUNNER_MS() { 1_000 }
sub LINGER_MS() { 20 }       # the place is kept for who comes a little late

our ($linux, $adopts, $calls, $exists, $interrupted, $attemptsDir, $bootId, $taskUmask);
our ($nudged, $everNudged, $shimStart, $pending, $pendingSince, %seat, $resets);

# The pipes of a runner. `commands`: lines as the launcher gives them. `word`: h (hold: begin nothing more before
# you are told), g (go on). `said`: what was begun and ended, in order; nobody waits for it. `ring`: what the shim is
# woken for, written after all that was said before it:
#   idle             it has nothing more to do
#   exit PID STATUS LEFT CPU_MS RSS CPU_BEFORE_MS   an end that the shim is to record; LEFT: processes of it are there
#   held             it waits before it begins the attempt that it named last
#   unfit            too much is left in the cgroups to begin that attempt in them
#   taken, failed WHY   somebody else began that attempt; it has no record
#   exec, join, term    as a task says them
sub openRunner {
    my ($s) = @_;
    my %pipes;
    for (qw(commands word said ring out err)) {
        pipe my $read, my $write or return undef;
        $pipes{$_} = [ $read, $write ];
    }
    unblock($pipes{$_}[0]) for qw(said ring out err);
    my $pid = fork // return undef;
    if ($pid == 0) {
        close $_ for @{ $pipes{commands} }[1], @{ $pipes{word} }[1], @{ $pipes{said} }[0], @{ $pipes{ring} }[0];
        eval { runLine($s, \%pipes) };
        note("a runner: $@") if $@;
        leave(1);
    }
    return {
        pid => $pid, given => [], told => [], state => '', heard => '', rung => '',
        (map { $_ => $pipes{$_}[1] } qw(commands word)), (map { $_ => $pipes{$_}[0] } qw(said ring out err)),
    };
}

# Closing the pipes ends it, unless it waits for a process that cannot be killed.
sub closeRunner {
    my ($runner) = @_;
    close $runner->{$_} for qw(commands word);
    my $until = nowMs() + RUNNER_MS;
    while (waitpid($runner->{pid}, WNOHANG) == 0) {
        kill 'KILL', $runner->{pid} if nowMs() > $until;
        pause(1);
    }
    return;
}

# The counters of the kernel that the runner looks at, each with what it said last.
sub openCounters {
    my ($s) = @_;
    my ($dirs, $files) = @$s{qw(dirs files)};
    my %fds;
    my $memory = $dirs->{memory} // $dirs->{all};
    if (defined $memory) {
        my $events = defined $dirs->{all} ? 'memory.events' : 'memory.oom_control';
        $fds{peak} = $files->{ peakFile($dirs) } // return undef;
        $fds{events} = openRaw("$memory/$events", O_RDONLY) // return undef;
    }
    my $pids = $dirs->{pids} // $dirs->{all};
    if (defined $pids && $s->{held}{pids} ne 'none') { $fds{refused} = openRaw("$pids/pids.events", O_RDONLY) // return undef }
    if (defined $dirs->{all}) { $fds{cpu} = openRaw("$dirs->{all}/cpu.stat", O_RDONLY) // return undef }
    return \%fds;
}

sub kernelCpuMs {
    my ($fd) = @_;
    return defined $fd && readRaw($fd) =~ /^usage_usec (\d+)/m ? int($1 / 1000) : 0;
}

# In the runner: one task after another. Orphans below it become its children, so that it can say when the
# whole tree is gone.
sub runLine {
    my ($s, $pipes) = @_;
    my ($commands, $word, $outR, $errR) = map { $pipes->{$_}[0] } qw(commands word out err);
    my ($said, $ring) = map { $pipes->{$_}[1] } qw(said ring);
    my ($ask, $self) = ($s->{ask}, $$);
    # What it says by itself is not for the log of a task.
    $^W = 0;
    unblockSignals();
    becomeSubreaper();
    dieWithParent($s->{self});
    becomeFile(*STDOUT, $pipes->{out}[1]) && becomeFile(*STDERR, $pipes->{err}[1]) or die "$!: output\n";
    umask $taskUmask;
    my @argv = @{ $ask->{arg} // [''] };
    my @gates = @{ $s->{gates} };
    my @joins = map { $_->{fd} } @gates;
    my $acts = $ask->{act};
    my $away = chdir $ask->{cwd}[0] ? '' : "$!: $ask->{cwd}[0] (the working folder)";
    pipe my $plaints, my $plaint or die "pipe: $!\n";
    unblock($plaints);
    close $_ for $pipes->{out}[1], $pipes->{err}[1], grep { defined } @$s{qw(report next)};
    my $counters = openCounters($s) // die "counters: $!\n";
    my ($peakFd, $eventsFd, $refusedFd, $cpuFd) = @$counters{qw(peak events refused cpu)};
    my ($events, $refused) = map { defined $_ ? readRaw($_) : '' } $eventsFd, $refusedFd;
    my $starts = substr encode("boot=$bootId", "shim=$s->{self}", "shimstart=$shimStart"), 0, -1;
    my $ends = encode(heldFields($s->{held}), map { "dir=$_:$s->{dirs}{$_}" } keys %{ $s->{dirs} });
    my $last = substr encode(
        (defined $s->{limit} ? "limit=$s->{limit}" : ()), (defined $ask->{wall}[0] ? "wallmax=$ask->{wall}[0]" : ()),
        heldFields($s->{held})), 0, -1;
    my $terms = join '', map { "\t$_" } split /\t/, substr encode(termFields($s->{held})), 0, -1;
    my ($record, $linked) = @$s{qw(record linked)};
    my ($status, $usage, $none, $watched, $left) = (pack('L', 0), "\0" x 144, '0', '', 0);
    vec($watched, fileno $_, 1) = 1 for $word, $outR, $errR, $plaints;
    my ($buffer, $pread, $write, $wait4) = ("\0" x 4096, @$calls{qw(pread write wait4)});
    my ($queue, $tell, $fresh, $cpuAtStart) = ('', '', 1, kernelCpuMs($cpuFd));
    my ($began, $beganAt);
    my $await = sub {
        my ($what) = @_;
        syswrite $said, $tell if $tell ne '';
        $tell = '';
        syswrite $ring, $what;
        my $heard = '';
        until (substr($heard, -1) eq 'g') { sysread $word, $heard, 64 or leave(0) }
        ($began, $beganAt) = (nowMs(), nowMs(CLOCK_REALTIME));
    };
    # Here each page that is written to between two forks is copied: few words, and few calls.
    for (;;) {
        my $end = index $queue, "\n";
        if ($end < 0) {
            syswrite $said, $tell if $tell ne '';
            $tell = '';
            syswrite $ring, "idle\n";
            while ($end < 0) {
                sysread $commands, $queue, 1 << 16, length $queue or leave(0);
                $end = index $queue, "\n";
            }
            ($began, $beganAt) = (nowMs(), nowMs(CLOCK_REALTIME));
        }
        my (undef, $id, undef, @env) = decode(substr $queue, 0, $end + 1, '');
        syswrite $said, "${tell}begun\t$id\t$began\n";
        $tell = '';
        my $bits = $watched;
        $await->("held\n") if select($bits, undef, undef, 0) && vec $bits, fileno $word, 1;
        if (!$fresh && defined $peakFd) {
            my $n = syscall($write, $peakFd, $none, 1) == 1 ? syscall $pread, $peakFd, $buffer, 64, 0 : 0;
            if ($n < 1 || substr($buffer, 0, $n) >= LEFT_MAX) { syswrite $ring, "unfit\n"; leave(0) }
        }
        $fresh = 0;
        my $line = "start\t$id\t$starts\tbegan=$beganAt\t$ends";
        my $path = recordPath($id);
        if (!$record || ++$linked >= LINKED_MAX || !writeAll($record, $line) || !linkFile($record, $path)) {
            $linked = 0;
            if (!(($record = createFile($path)) && writeAll($record, $line))) {
                syswrite $ring, !$record && $! == $exists ? "taken\n" : encode('failed', "$!: $path");
                leave(0);
            }
        }
        # It was begun and settled by somebody else.
        if (-e settledPath($id)) { unlink $path; syswrite $ring, "taken\n"; leave(0) }
        for (@env) { my $at = index $_, '=', 4; $ENV{ substr $_, 4, $at - 4 } = substr $_, $at + 1 }
        my $task = fork;
        if (defined $task && $task == 0) {
            syscall $calls->{prctl}, PR_SET_PDEATHSIG, 9, 0, 0, 0;
            leave(127) if getppid() != $self;
            syscall $calls->{setsid};
            for (0 .. $#joins) {
                next if defined $joins[$_] && syscall($calls->{write}, $joins[$_], $none, 1) == 1;
                $gates[$_]{why} ||= "$gates[$_]{path}: $!";
                syswrite $plaint, encode('join', $gates[$_]{aspect}, $gates[$_]{why});
            }
            actTerms($ask, sub { syswrite $plaint, encode('term', @_) }) if $acts;
            if ($away eq '') { local $^W = 0; exec { $argv[0] } @argv }
            syswrite $plaint, encode('exec', $away eq '' ? "$!: $argv[0]" : $away);
            leave(127);
        }
        if (!defined $task) {
            $await->(encode('exec', "$!: fork") . "exit\t0\t32512\t0\t0\t0\t$cpuAtStart\n");
            next;
        }
        my $pid;
        until (($pid = syscall $wait4, -1, $status, 0, $usage) == $task) { last if $pid < 0 && $! != $interrupted }
        $left = 0;
        while (($pid = waitpid -1, WNOHANG) >= 0) { if ($pid == 0) { $left = 1; last } }
        my ($us, $uus, $ss, $sus, $rss) = unpack 'q5', $usage;
        my $exit = unpack 'L', $status;
        my $ms = int(($us + $ss) * 1000 + ($uus + $sus) / 1000);
        $bits = $watched;
        my $odd = $left || $exit != 0 || select($bits, undef, undef, 0)
            || (defined $eventsFd && substr($buffer, 0, syscall $pread, $eventsFd, $buffer, 4096, 0) ne $events)
            || (defined $refusedFd && substr($buffer, 0, syscall $pread, $refusedFd, $buffer, 4096, 0) ne $refused);
        if (!$odd) {
            my $now = nowMs();
            $beganAt = nowMs(CLOCK_REALTIME);
            my $cpu = $ms;
            if (defined $cpuFd) { my $total = kernelCpuMs($cpuFd); ($cpu, $cpuAtStart) = ($total - $cpuAtStart, $total) }
            my $peak = '';
            if (defined $peakFd) { $peak = 'peak=' . substr($buffer, 0, (syscall $pread, $peakFd, $buffer, 64, 0) - 1) . "\t" }
            elsif ($rss * 1024 > SIZE_KNOWN) { $peak = 'peak=' . $rss * 1024 . "\t" }
            my $found = "ended\t$id\tcause=succeeded\tcode=0\twall=" . ($now - $began)
                . "\tcpu=$cpu\t${peak}log=0\tended=$beganAt\t$last";
            if (writeAll($record, "$found\n")) {
                $tell = "started\t$id\t$task$terms\n$found\tsaved=1\n";
                $began = $now;
                next;
            }
        }
        my $report = "exit\t$task\t$exit\t$left\t$ms\t" . $rss * 1024 . "\t$cpuAtStart\n";
        sysread $plaints, my $plea, 65536;
        $report = $plea . $report if $plea;
        if ($left) {
            my ($before) = childrenUsage();
            syswrite $ring, $report;
            1 while waitpid(-1, 0) > 0;
            # What the others of its tree took is known of all together only.
            my ($total, $largest) = childrenUsage();
            $report = "exit\t$task\t$exit\t0\t" . ($ms + $total - $before) . "\t$largest\t$cpuAtStart\n";
        }
        $await->($report);
        ($events, $refused) = map { defined $_ ? readRaw($_) : '' } $eventsFd, $refusedFd;
        $cpuAtStart = kernelCpuMs($cpuFd);
    }
}

# Whether who follows may be begun by a runner.
sub isForRunner {
    my ($s) = @_;
    my $ask = $s->{ask};
    return 0 if !$linux || !$adopts || $nudged || $s->{watch} || $ask->{netns} || isWrapped($ask) || $ask->{isolated};
    return 0 if $s->{dirs}{accounting} || grep { !defined $_->{fd} } @{ $s->{gates} };
    return 0 if grep { /\Apressure:/ } @{ $s->{held}{term} };
    # Without a peak that can be reset each one has cgroups of its own.
    return $resets || !defined($s->{dirs}{memory} // $s->{dirs}{all});
}

# In the shim: gives the runner the attempts of the line, the first of which is that of `line`, until no more come
# or one needs a place of its own. False when the shim must end, undef when there can be no runner.
sub holdLine {
    my ($s, $line, $after) = @_;
    $s->{files}{ peakFile($s->{dirs}) } //= openRaw(peakFile($s->{dirs}), O_RDWR) if defined($s->{dirs}{memory} // $s->{dirs}{all});
    my $runner = openRunner($s) // return undef;
    @$s{qw(runner root)} = ($runner, $runner->{pid});
    $seat{last} = $after;
    giveRunner($runner, $s->{id}, $line);
    my ($watched, $dryAt) = '';
    vec($watched, $_, 1) = 1 for $s->{signals}, map { fileno $_ } @$runner{qw(ring out err)};
    for (;;) {
        feedRunner($runner, $s->{next});
        my ($now, $bits) = (nowMs(), $watched);
        if (@{ $runner->{given} }) { undef $dryAt }
        else {
            $dryAt //= $now + LINGER_MS;
            flushReports($s->{report});
            last if $now >= $dryAt || $nudged || defined peekLine($s->{next}) || isReadable($s->{next});
            vec($bits, fileno $s->{next}, 1) = 1;
        }
        $bits = '' if 0 >= select $bits, undef, undef, TELL_MS / 1000;
        if (vec $bits, $s->{signals}, 1) {
            for (takeSignals($s->{signals})) { $nudged = 1 if $_ eq 'USR1' }
        }
        hearRunner($s) or return loseRunner($s);
        my $wall = $s->{ask}{wall}[0];
        my $urgent = $nudged || vec($bits, fileno $runner->{out}, 1) || vec($bits, fileno $runner->{err}, 1)
            || ($runner->{current} && defined $wall && nowMs() >= $runner->{current}{began} + $wall);
        if ($urgent && $runner->{state} eq '') {
            # From here on it goes on to no other attempt than the one that it has named.
            syswrite $runner->{word}, 'h';
            until (isKnown($runner)) { pause(1); hearRunner($s) or return loseRunner($s) }
        }
        my $state = $runner->{state};
        last if $state eq 'held' || $state eq 'unfit';
        return lackRecord($s, $state) if $state ne '' && $state ne 'exit';
        my $current = $runner->{current};
        if ($current && ($urgent || $state eq 'exit')) {
            my ($goesOn, $saved) = attendOne($s, $current);
            if (!$goesOn) { putBack(map { $_->[1] } @{ $runner->{given} }); return $saved }
            last if $urgent && $nudged;
        } elsif ($current && !$current->{told} && nowMs() - $current->{began} >= TELL_MS) {
            tellCurrent($s, $current);
        }
        flushReports($s->{report}) if $pending ne '' && nowMs() - $pendingSince >= TELL_MS;
    }
    closeRunner($runner);
    putBack(map { $_->[1] } @{ $runner->{given} });
    leaveLine($s);
    return 1;
}

sub giveRunner {
    my ($runner, $id, $line) = @_;
    push @{ $runner->{given} }, [ $id, $line ];
    $runner->{tail} = $id;
    # It writes to nobody that is gone: who reads nothing more is heard of.
    syswrite $runner->{commands}, $line;
    return;
}

# Those that are there already, and follow each other, and differ in their environment only.
sub feedRunner {
    my ($runner, $next) = @_;
    return if $runner->{state} ne '' || $nudged;
    while (defined(my $line = peekLine($next))) {
        return if $line !~ /\Anext\t([^\t]+)\t([^\t\n]+)/ || $2 ne $runner->{tail} || index($line, "\tcwd=") >= 0;
        return if $everNudged && -e stopPath($1);
        giveRunner($runner, $1, $line);
        nextLine($next);
    }
    return;
}

# False once it is gone.
sub hearRunner {
    my ($s) = @_;
    my $runner = $s->{runner};
    my $got = sysread $runner->{ring}, $runner->{rung}, 65536, length $runner->{rung};
    1 while sysread $runner->{said}, $runner->{heard}, 65536, length $runner->{heard};
    while ((my $end = index $runner->{heard}, "\n") >= 0) {
        my $line = substr $runner->{heard}, 0, $end + 1, '';
        if ($line =~ /\Abegun\t([^\t]+)\t(\d+)/) { $runner->{current} = { id => $1, began => $2 } }
        elsif ($line =~ /\Astarted/) { inform($s->{report}, $line) if !$runner->{current}{told} }
        else {
            inform($s->{report}, $line);
            tookPlace($runner);
        }
    }
    while ((my $end = index $runner->{rung}, "\n") >= 0) {
        my $line = substr $runner->{rung}, 0, $end + 1, '';
        my ($kind, $why) = decode($line);
        if ($kind =~ /\A(?:exec|join|term|exit)\z/) { push @{ $runner->{told} }, $line }
        $runner->{why} = $why if $kind eq 'failed';
        $runner->{state} = $kind if $kind =~ /\A(?:exit|held|unfit|taken|failed)\z/;
    }
    return !defined $got || $got > 0;
}

# Whether it is known after a hold what the runner does: it waits, or its task runs.
sub isKnown {
    my ($runner) = @_;
    return $runner->{state} ne '' || !$runner->{current} || tasksOf($runner) ne '';
}

sub tasksOf { my ($runner) = @_; return slurp("/proc/$runner->{pid}/task/$runner->{pid}/children") // '' }

# The first of those that were given has ended: whoever comes now follows it.
sub tookPlace {
    my ($runner) = @_;
    my ($id, $line) = @{ shift @{ $runner->{given} } };
    for (decode($line)) { $ENV{$1} = $2 if /\Aenv=([^=]*)=(.*)\z/s }
    $seat{last} = $id;
    undef $runner->{current};
    return;
}

# Once it has run for a while.
sub tellCurrent {
    my ($s, $current) = @_;
    my ($task) = split ' ', tasksOf($s->{runner});
    return if !defined $task;
    $current->{told} = 1;
    if (open my $record, '>>', recordPath($current->{id})) { writeAll($record, encode('task', $current->{id}, "pid=$task")) }
    inform($s->{report}, encode('started', $current->{id}, $task, termFields($s->{held})));
    flushReports($s->{report});
    return;
}

# The shim sees to this one until its end: it has something to say, is to be stopped, or has not succeeded.
# Whether the line goes on, and if not, whether the shim does.
sub attendOne {
    my ($line, $current) = @_;
    my $runner = $line->{runner};
    my ($id, $text) = @{ $runner->{given}[0] };
    my $cap = $line->{ask}{log}[0];
    my $held = $line->{held};
    my $s = {
        %$line, id => $id, dir => "$attemptsDir/$id", began => $current->{began}, told => $current->{told},
        held => { %$held, note => [ @{ $held->{note} } ], term => [ @{ $held->{term} } ] }, record => undef,
    };
    $s->{logs} = [ newLog("$s->{dir}/stdout.log", $cap), newLog("$s->{dir}/stderr.log", $cap) ];
    open $s->{record}, '>>', recordPath($id) or $s->{record} = undef;
    my $watched = '';
    vec($watched, $_, 1) = 1 for $s->{signals}, map { fileno $_ } @$runner{qw(ring out err)};
    for (;;) {
        takeWords($s);
        drainLogs($s);
        last if defined $s->{exit} && $s->{childless};
        my $now = nowMs();
        my $wakeAt = defined $s->{exit} ? closeDown($s, $now) : holdToLimits($s, $now);
        last if defined $s->{giveUpAt} && $now >= $s->{giveUpAt};
        my $tellAt = $pending ne '' ? $pendingSince + TELL_MS : $s->{told} ? undef : $s->{began} + TELL_MS;
        if (defined $tellAt && $now >= $tellAt) { tellStarted($s); flushReports($s->{report}); $tellAt = undef }
        $wakeAt = $tellAt if defined $tellAt && (!defined $wakeAt || $wakeAt > $tellAt);
        my ($bits, $wait) = ($watched, defined $wakeAt ? ($wakeAt > $now ? ($wakeAt - $now) / 1000 : 0) : undef);
        next if 0 >= select $bits, undef, undef, $wait;
        if (vec $bits, $s->{signals}, 1) {
            for (takeSignals($s->{signals})) { $nudged = 1 if $_ eq 'USR1' }
        }
        next if !vec $bits, fileno $runner->{ring}, 1;
        hearRunner($line) or return (0, loseRunner($line));
    }
    tellStarted($s);
    my @found = findings($s);
    my $saved = recordEnd($s, @found, heldFields($s->{held})) && $s->{childless};
    tookPlace($runner);
    $seat{last} = $s->{succeeded} ? $id : '';
    return (0, $saved) if !$s->{kept} || !$saved;
    ($line->{base}, $runner->{state}) = ($s->{counted}, '');
    syswrite $runner->{word}, 'g';
    return (1, 1);
}

# What the runner told of the attempt that is attended to.
sub takeWords {
    my ($s) = @_;
    for (splice @{ $s->{runner}{told} }) {
        my ($kind, @words) = decode($_);
        if    ($kind eq 'exec') { $s->{execError} = $words[0] }
        elsif ($kind eq 'join') { release($s->{held}, @words); watchIfUnheld($s) }
        elsif ($kind eq 'term') { loseTerm($s->{held}, @words) }
        else {
            $s->{endedAt} //= nowMs();
            ($s->{task}, $s->{exit}) = @words;
            ($s->{killPause}, $s->{giveUpAt}, $s->{childless}) = (undef, undef, 1) if !$words[2];
            $s->{used} = [ @words[ 3, 4 ] ];
            $s->{base} = [ @{ $s->{base} // [] }[ 0, 1 ], $words[5] ];
        }
    }
    return;
}

sub drainLogs {
    my ($s) = @_;
    for (0, 1) {
        my $from = $s->{runner}{ $_ ? 'err' : 'out' };
        while (sysread $from, my $data, 65536) { appendLog($s->{logs}[$_], $data) }
    }
    return;
}

# Once it is known that the task runs, or has run.
sub tellStarted {
    my ($s) = @_;
    return if $s->{told} || defined $s->{execError};
    if (!defined $s->{exit}) {
        ($s->{task}) = split ' ', tasksOf($s->{runner});
        return if !defined $s->{task};
        writeAll($s->{record}, encode('task', $s->{id}, "pid=$s->{task}")) if $s->{record};
    }
    $s->{told} = 1;
    inform($s->{report}, encode('started', $s->{id}, $s->{task}, termFields($s->{held})));
    return;
}

# The runner could not make a record for the attempt that it named last.
sub lackRecord {
    my ($s, $state) = @_;
    my $runner = $s->{runner};
    closeRunner($runner);
    my ($id) = @{ shift @{ $runner->{given} } };
    $seat{last} = '';
    leaveLine($s);
    if ($state eq 'taken') {
        inform($s->{report}, encode('exists', $id));
        putBack(map { $_->[1] } @{ $runner->{given} });
        return 1;
    }
    recordEnd({ id => $id, report => $s->{report} }, 'cause=lost', 'unstarted=1', "message=$runner->{why}", heldFields($s->{held}));
    return 0;
}

# It ended before its time. Those whose turn has not come are left to the launcher.
sub loseRunner {
    my ($s) = @_;
    my $until = nowMs() + KILL_MS;
    # What is dead counts until it is waited for.
    for (;;) {
        1 while waitpid(-1, WNOHANG) > 0;
        last if !killTree($s->{dirs}, $s->{self}) || nowMs() > $until;
        pause(5);
    }
    leaveLine($s);
    my ($id) = @{ $s->{runner}{given}[0] // [] };
    my ($record, $ended) = defined $id ? readRecord($id) : {};
    if (defined $ended) { inform($s->{report}, $ended =~ s/\n\z/\tsaved=1\n/r) }
    elsif (($record->{shim}[0] // '') eq $$) {
        my $file;
        open $file, '>>', recordPath($id) or undef $file;
        my @why = ('cause=lost', 'message=what began it ended early', 'ended=' . nowMs(CLOCK_REALTIME));
        recordEnd({ id => $id, report => $s->{report}, record => $file }, @why, heldFields($s->{held}));
    }
    flushReports($s->{report});
    return 0;
}

# Nobody takes over its place any more.
sub leaveLine {
    my ($s) = @_;
    closeFiles($s->{files}, $s->{gates});
    removeCgroups($s->{dirs});
    %seat = (last => $seat{last}, ask => $s->{ask});
    return;
}

1;
