# The shim of one attempt: parent of the task, keeper of its log, its time limit and its end.
# Runs in a fork of the launcher and needs neither it nor the daemon.
use strict;

sub WATCH_MS()       { 250 }
sub DRAIN_MS()       { 2_000 }     # a process that escaped may hold the pipes for ever
sub KILL_MS()        { 10_000 }    # a process in an uninterruptible wait may never die
sub KILL_PAUSE_MAX() { 1_000 }
# Before exec a task has the size of this program, so that its largest size says nothing below that.
sub SIZE_KNOWN()     { 16 << 20 }
sub POLL_MS()        { 50 }        # where signals cannot be waited for
sub NOTES_MAX()      { 8 }
sub HELD()           { qw(held cpu memory pids) }

our ($linux, $adopts, $exists, $interrupted, $attemptsDir, $bootId, $taskUmask);
my $shimStart;
my ($cpuBefore, $largestBefore) = (0, 0);    # of the attempts before this one
our $stopAsked;    # by a signal: 'cancelled' or 'preempted'; then no other attempt comes after
my %stopOf = (USR1 => 'cancelled', USR2 => 'preempted');

# Holds one attempt after another: a fork for each would cost as much again as all else it does.
# `next` gives the message of the next one; it ends with the launcher.
sub beShim {
    my ($report, $line, $next) = @_;
    newSession();
    becomeSubreaper();
    $shimStart = startTime($$);
    # A shutdown signals everything at once: the task has its own signal, and its end must be recorded.
    my $signals = openSignals();
    # What is left over, in processes or in memory of an end, is not mixed with another attempt.
    while (defined $line && holdAttempt($report, $signals, $line) && $next) { $line = nextLine($next) }
    leave(0);
}

# The start message, as { KEY => [VALUE, ...] }:
#   cwd, arg..., env NAME=VALUE..., log (bytes kept per stream), grace, wall (ms, absent: no limit)
#   held-by, cpu-by, memory-by, pids-by, note...  the words of the enforcement that is planned
#   dir ASPECT:PATH..., set ASPECT:FILE:VALUE..., join FILE   its cgroups; aspect `all` for cgroup v2
#   freezer DIR       of cgroup v1: there while it is paused
#   memlimit (bytes)  for the watchdog, where the kernel does not hold it
sub holdAttempt {
    my ($report, $signals, $line) = @_;
    my (undef, $id, @fields) = decode($line);
    my $ask = keyed(@fields);
    my $s   = {
        id     => $id,
        dir    => "$attemptsDir/$id",
        report => $report,
        ask    => $ask,
        dirs   => dirsOf($ask),
        signals => $signals,
        held   => { note => $ask->{note} // [], map { $_ => $ask->{"$_-by"}[0] } HELD },
        self   => $$,
        began  => nowMs(),
        grace  => $ask->{grace}[0],
        limit  => $ask->{memlimit}[0],
    };
    beginRecord($s) or return 0;
    enterLimits($s);
    watchIfUnheld($s);
    forkTask($s);
    attend($s);
    return recordEnd($s, findings($s), heldFields($s->{held})) && $s->{childless};
}

# The record has lines `start`, `task` and `ended`, each written at once; one without its newline is void.
sub beginRecord {
    my ($s) = @_;
    my $path = "$s->{dir}/record";
    my $line = encode('start', "boot=$bootId", "shim=$$", "shimstart=$shimStart",
        'began=' . nowMs(CLOCK_REALTIME), heldFields($s->{held}), map { "dir=$_:$s->{dirs}{$_}" } keys %{ $s->{dirs} });
    return 1 if open($s->{record}, '>>', $path) && writeAll($s->{record}, $line);
    my $why = "$!: $path";
    recordEnd($s, 'cause=lost', 'unstarted=1', "message=$why", heldFields($s->{held}));
    return 0;
}

# Makes the cgroups and sets their limits; what does not hold is taken back, with a note.
sub enterLimits {
    my ($s) = @_;
    my $dirs = $s->{dirs};
    my %made;
    for my $aspect (keys %$dirs) {
        next if $made{ $dirs->{$aspect} }++ || mkdir($dirs->{$aspect}, 0755) || $! == $exists;
        release($s->{held}, $aspect, "mkdir: $!");
        delete $dirs->{$aspect};
    }
    for (@{ $s->{ask}{set} // [] }) {
        my ($aspect, $file, $value) = split /:/, $_, 3;
        my $dir = $dirs->{$aspect} // $dirs->{all} // next;
        my $got = writeAndReadBack("$dir/$file", $value);
        if (!defined $got) { release($s->{held}, $aspect, "$file: $!"); next }
        next if $got eq $value;
        # The kernel rounds memory down to pages, of at most 64 KiB.
        next if "$got$value" =~ /\A\d+\z/ && $got <= $value && $value - $got < 65536;
        release($s->{held}, $aspect, "$file: wrote '$value', it says '$got'");
    }
    return;
}

# Ways into the cgroups, one each: opened here, since what the task need not do is cheaper.
sub openGates {
    my ($s) = @_;
    my %unique = reverse %{ $s->{dirs} };
    return map { { aspect => $unique{$_}, %{ openGate("$_/$s->{ask}{join}[0]") } } } keys %unique;
}

sub release {
    my ($held, $aspect, $why) = @_;
    my $name = $aspect eq 'all' ? 'cgroup' : $aspect;
    push @{ $held->{note} }, substr "$name: $why", 0, 200 if @{ $held->{note} } < NOTES_MAX;
    for my $one ($aspect eq 'all' ? qw(cpu memory pids) : $aspect) { $held->{$one} = 'none' }
    return;
}

# What the kernel does not hold to the memory limit is watched.
sub watchIfUnheld {
    my ($s) = @_;
    return if !$linux || $s->{held}{memory} eq 'kernel' || !defined $s->{limit};
    ($s->{watch}, $s->{held}{memory}) = (1, 'watchdog');
    return;
}

sub forkTask {
    my ($s) = @_;
    pipe(my $outR,    my $outW)    or die "pipe: $!\n";
    pipe(my $errR,    my $errW)    or die "pipe: $!\n";
    pipe(my $statusR, my $statusW) or die "pipe: $!\n";
    # What can be done before the fork: the task copies each page that it writes to.
    %ENV = map { split /=/, $_, 2 } @{ $s->{ask}{env} // [] };
    $s->{gates} = [ openGates($s) ];
    my $task = fork;
    if (defined $task && $task == 0) {
        eval { becomeTask($s, $outW, $errW, $statusW) };
        syswrite $statusW, encode('exec', "$@");
        leave(127);
    }
    closeGates(@{ $s->{gates} });
    my $cap = $s->{ask}{log}[0];
    $s->{logs}    = [ newLog("$s->{dir}/stdout.log", $cap), newLog("$s->{dir}/stderr.log", $cap) ];
    $s->{streams} = { fileno($outR) => [ $outR, $s->{logs}[0] ], fileno($errR) => [ $errR, $s->{logs}[1] ] };
    ($s->{status}, $s->{said}) = ($statusR, '');
    if (defined $task) {
        $s->{task} = $task;
        writeAll($s->{record}, encode('task', "pid=$task"));
    } else {
        ($s->{execError}, $s->{exit}, $s->{endedAt}) = ("$!: fork", 127 << 8, nowMs());
    }
    return;
}

# In the forked task: becomes the program, or says on `status` why it cannot, and ends.
sub becomeTask {
    my ($s, $out, $err, $status) = @_;
    my $ask = $s->{ask};
    unblockSignals();
    dieWithParent($s->{self});
    newSession();
    for (@{ $s->{gates} }) { enterGate($_) or syswrite $status, encode('join', $_->{aspect}, $_->{why}) }
    becomeFile(*STDOUT, $out) && becomeFile(*STDERR, $err) or die "$!: output\n";
    umask $taskUmask;
    my $cwd = $ask->{cwd}[0];
    chdir $cwd or die "$!: $cwd (the working folder)\n";
    my @argv = @{ $ask->{arg} // [''] };
    { local $^W = 0; exec { $argv[0] } @argv; }
    die "$!: $argv[0]\n";
}

# Until the task has ended, nothing of its tree is left and its log is complete.
sub attend {
    my ($s) = @_;
    until (defined $s->{exit} && $s->{childless} && !$s->{status} && !%{ $s->{streams} }) {
        my $now = nowMs();
        my $wakeAt = defined $s->{exit} ? closeDown($s, $now) : holdToLimits($s, $now);
        last if defined $s->{giveUpAt} && $now >= $s->{giveUpAt};
        my $bits = '';
        vec($bits, $_, 1) = 1 for keys %{ $s->{streams} }, $s->{signals} // ();
        vec($bits, fileno $s->{status}, 1) = 1 if $s->{status};
        my $wait = defined $wakeAt ? ($wakeAt > $now ? ($wakeAt - $now) / 1000 : 0) : undef;
        $wait = POLL_MS / 1000 if !defined $s->{signals} && (!defined $wait || $wait > POLL_MS / 1000);
        $bits = '' if 0 >= select $bits, undef, undef, $wait;
        if (defined $s->{signals} && vec $bits, $s->{signals}, 1) {
            $stopAsked //= $_ for grep { defined } map { $stopOf{$_} } takeSignals($s->{signals});
        }
        readStatus($s) if $s->{status} && vec $bits, fileno $s->{status}, 1;
        for my $fd (keys %{ $s->{streams} }) { copyLog($s, $fd) if vec $bits, $fd, 1 }
        reapTree($s);
    }
    return;
}

# While the task runs: stop orders, the time limit, the memory watchdog. Returns when to look again.
sub holdToLimits {
    my ($s, $now) = @_;
    my $wall = $s->{ask}{wall}[0];
    my $deadline = defined $wall ? $s->{began} + $wall : undef;
    if (!$s->{ordered}) {
        if ($stopAsked) {
            $s->{ordered} = $stopAsked;
            $s->{grace} = $1 if (slurp("$s->{dir}/stop") // '') =~ /\A(\d+)/;
            unlink "$s->{dir}/stop";
        } elsif (defined $deadline && $now >= $deadline) {
            $s->{ordered} = 'timed-out';
        }
        if ($s->{ordered}) {
            $s->{killAt} = $now + $s->{grace};
            thawTree($s);
            my @pids = treePids($s->{dirs}, $s->{self}, $s->{task});
            kill 'TERM', @pids;
            kill 'CONT', @pids;
        }
    }
    if ($s->{watch} && $now >= ($s->{watchAt} // $s->{began} + WATCH_MS)) {
        my $bytes = residentBytes($s->{self});
        $s->{peak} = $bytes if $bytes > ($s->{peak} // 0);
        if ($bytes > $s->{limit} && !$s->{ordered}) { ($s->{watched}, $s->{killAt}) = ($bytes, $now) }
        $s->{watchAt} = $now + WATCH_MS;
    }
    my @wakes = $s->{watch} ? $s->{watchAt} // $s->{began} + WATCH_MS : ();
    if (!defined $s->{killAt}) { push @wakes, $deadline if defined $deadline }
    elsif ($now < $s->{killAt}) { push @wakes, $s->{killAt} }
    else { push @wakes, killRound($s, $now) }
    return (sort { $a <=> $b } @wakes)[0];
}

# The task has ended: the rest of its tree does not outlive it, and the pipes are read to their end.
sub closeDown {
    my ($s, $now) = @_;
    $s->{giveUpAt} //= $now + ($s->{childless} ? DRAIN_MS : KILL_MS);
    return $s->{childless} ? $s->{giveUpAt} : killRound($s, $now);
}

sub killRound {
    my ($s, $now) = @_;
    thawTree($s);
    killTree($s->{dirs}, $s->{self}, $s->{task});
    my $pause = $s->{killPause} = ($s->{killPause} // 1) * 2;
    return $now + ($pause < KILL_PAUSE_MAX ? $pause : KILL_PAUSE_MAX);
}

# What the task says before exec; the pipe closes with exec.
sub readStatus {
    my ($s) = @_;
    return if sysread $s->{status}, $s->{said}, 4096, length $s->{said};
    return if $! == $interrupted;
    $s->{status} = undef;
    for (split /^/, $s->{said}) {
        my ($kind, @words) = decode($_);
        if ($kind eq 'exec') { chomp($s->{execError} = $words[0]) }
        else                 { release($s->{held}, @words); watchIfUnheld($s) }
    }
    syswrite $s->{report}, encode('started', $s->{id}, $s->{task}) if !defined $s->{execError};
    return;
}

# What is paused would meet no signal, in cgroup v1 not even SIGKILL.
sub thawTree {
    my ($s) = @_;
    my $freeze = ($s->{dirs}{all} // '') . '/cgroup.freeze';
    spit($freeze, '0') if -e $freeze;
    my $freezer = $s->{ask}{freezer}[0];
    spit("$freezer/freezer.state", 'THAWED') if defined $freezer && -d $freezer;
    return;
}

sub copyLog {
    my ($s, $fd) = @_;
    my ($from, $log) = @{ $s->{streams}{$fd} };
    my $n = sysread $from, my $data, 65536;
    if ($n) { appendLog($log, $data) }
    elsif (defined $n || $! != $interrupted) { delete $s->{streams}{$fd} }
    return;
}

sub reapTree {
    my ($s) = @_;
    my $pid;
    while (($pid = waitpid -1, WNOHANG) > 0) {
        next if defined $s->{exit} || $pid != $s->{task};
        ($s->{exit}, $s->{endedAt}, $s->{killPause}) = ($?, nowMs(), undef);
    }
    return if $pid == 0 || $s->{childless};
    return if !$adopts && treePids($s->{dirs}, $s->{self}, $s->{task});
    ($s->{childless}, $s->{giveUpAt}) = (1, undef);
    return;
}

# What is known of the end, as KEY=VALUE fields.
sub findings {
    my ($s) = @_;
    my ($kernelPeak, $kills, $refused, $kernelCpuMs) = readCounters($s->{dirs}, $s->{held}{pids} ne 'none');
    my ($cpuMs, $largest) = childrenUsage();
    my $peak = $kernelPeak // $s->{peak};
    # The size of the largest process, of all that this shim has ever waited for.
    $peak //= $largest if $largest > $largestBefore && $largest > SIZE_KNOWN;
    my $usedMs = $cpuMs - $cpuBefore;
    ($cpuBefore, $largestBefore) = ($cpuMs, $largest);
    my $unkilled = $s->{childless} ? 0 : treePids($s->{dirs}, $s->{self}, $s->{task});
    my ($total, $lost) = (0, 0);
    for (@{ $s->{logs} }) { $total += $_->{total}; $lost += $_->{lost} }
    my ($code, $signal) = ($s->{exit} >> 8, $s->{exit} & 127);
    my $cause = causeOf($s, $kills);
    my @known = (
        cause    => $cause,
        message  => defined $s->{execError} ? substr $s->{execError}, 0, 400 : undef,
        code     => defined $s->{execError} || $signal ? undef : $code,
        signal   => $signal || undef,
        wall     => $s->{endedAt} - $s->{began},
        cpu      => $kernelCpuMs // $usedMs,
        peak     => $peak,
        log      => $total,
        lostlog  => $lost || undef,
        oom      => $kills || undef,
        watched  => $s->{watched},
        limit    => $s->{limit},
        wallmax  => $s->{ask}{wall}[0],
        refused  => $refused || undef,
        unkilled => $unkilled || undef,
        leaving  => $s->{childless} ? undef : 1,
        leaked   => removeCgroups($s->{dirs}) || undef,
        ended    => nowMs(CLOCK_REALTIME),
    );
    my @fields;
    while (my ($key, $value) = splice @known, 0, 2) { push @fields, "$key=$value" if defined $value }
    return @fields;
}

sub causeOf {
    my ($s, $kills) = @_;
    return 'start-failed' if defined $s->{execError};
    return $s->{ordered} if $s->{ordered};
    return 'oom-killed'  if defined $s->{watched} || ($kills && $s->{exit} != 0);
    return 'signalled'   if $s->{exit} & 127;
    return $s->{exit} ? 'failed' : 'succeeded';
}

# What the kernel counted: memory peak, processes killed for memory, forks refused, CPU milliseconds.
sub readCounters {
    my ($dirs, $limited) = @_;
    my ($memory, $pids) = map { $dirs->{$_} // $dirs->{all} } qw(memory pids);
    my ($peak, $kills, $refused, $cpuMs);
    if (defined $memory) {
        $peak = slurp($dirs->{all} ? "$memory/memory.peak" : "$memory/memory.max_usage_in_bytes");
        chomp $peak if defined $peak;
        my $events = slurp($dirs->{all} ? "$memory/memory.events" : "$memory/memory.oom_control") // '';
        ($kills) = $events =~ /^oom_kill (\d+)/m;
    }
    ($refused) = (slurp("$pids/pids.events") // '') =~ /^max (\d+)/m if defined $pids && $limited;
    if (defined $dirs->{all}) {
        my ($micros) = (slurp("$dirs->{all}/cpu.stat") // '') =~ /^usage_usec (\d+)/m;
        $cpuMs = int($micros / 1000) if defined $micros;
    }
    return ($peak, $kills // 0, $refused // 0, $cpuMs);
}

sub heldFields {
    my ($held) = @_;
    return ((map { "$_-by=$held->{$_}" } HELD), map { "note=$_" } @{ $held->{note} });
}

# Writes the end to disk and tells the launcher, so that neither alone can lose it.
sub recordEnd {
    my ($s, @fields) = @_;
    my $saved = $s->{record} && writeAll($s->{record}, encode('ended', $s->{id}, @fields)) ? 1 : 0;
    # At most PIPE_BUF, so that lines of different shims do not mix.
    syswrite $s->{report}, encode('ended', $s->{id}, @fields, "saved=$saved");
    return $saved;
}

# In a child of the launcher: the shim of `id` is gone. Ends what it left, and records that nobody saw the end.
sub bury {
    my ($id, $report, $why) = @_;
    $SIG{$_} = sub { } for qw(PIPE HUP INT TERM);
    my ($record, $ended) = readRecord($id);
    if (defined $ended) {
        chomp $ended;
        syswrite $report, "$ended\tsaved=1\n";
        leave(0);
    }
    my @counted;
    if (($record->{boot}[0] // '') eq $bootId) {
        my $dirs  = dirsOf($record);
        my $until = nowMs() + KILL_MS;
        pause(5) while killLeft($id, $record, $dirs) && nowMs() < $until;
        my ($peak, $kills, undef, $cpuMs) = readCounters($dirs);
        push @counted, "peak=$peak" if defined $peak;
        push @counted, "cpu=$cpuMs" if defined $cpuMs;
        push @counted, "oom=$kills" if $kills;
        my $leaked = removeCgroups($dirs);
        push @counted, "leaked=$leaked" if $leaked;
    }
    my @held = map { my $key = $_; map { "$key=$_" } @{ $record->{$key} // [] } } (map { "$_-by" } HELD), 'note';
    my $s = { id => $id, report => $report };
    open $s->{record}, '>>', "$attemptsDir/$id/record" or $s->{record} = undef;
    # Ends a line that was cut off.
    writeAll($s->{record}, "\n") if $s->{record};
    recordEnd($s, 'cause=lost', "message=$why", @counted, 'ended=' . nowMs(CLOCK_REALTIME), @held);
    leave(0);
}

# One round of killing what a dead shim left; returns how many were found.
sub killLeft {
    my ($id, $record, $dirs) = @_;
    my @pids = $linux ? markedPids($id) : ();
    my $group = $record->{pid}[0];
    push @pids, -$group if !$linux && defined $group && kill 0, -$group;
    kill 'KILL', $_ for @pids;
    return @pids + (%$dirs ? killTree($dirs) : 0);
}

1;
