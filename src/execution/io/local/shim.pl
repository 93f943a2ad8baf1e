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
sub PIPE_BUF()       { 4096 }      # the kernel does not mix what is written at once with that of others
sub LINKED_MAX()     { 64 }        # attempts in one record: who looks for one reads it whole
sub TELL_MS()        { 10 }        # the launcher hears this late of short tasks that follow each other
# What an attempt may leave in the memory cgroup that the next one takes over: it counts as the next one's.
sub LEFT_MAX()       { 1 << 20 }
sub HELD()           { qw(held cpu memory pids) }

our ($linux, $calls, $adopts, $exists, $interrupted, $attemptsDir, $bootId, $taskUmask);
our $nudged;       # by a signal: somebody is to be stopped, a file says who
our $shimStart;
my ($cpuBefore, $largestBefore) = (0, 0);    # of the attempts before this one
our $everNudged;
our $resets;       # whether a memory peak could be
our ($pending, $pendingSince) = ('', 0);      # what the launcher is to be told
# The place that the last attempt left, for one that takes it over: its id, if it succeeded; what it was asked to
# do; its cgroups, with the files that are kept open and what they said at its end.
our %seat = (last => '');

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
    while (defined $line && holdAttempt($report, $signals, $line, $next) && $next) {
        if (!defined peekLine($next)) { vacate(); flushReports($report) }
        $line = nextLine($next);
    }
    vacate();
    flushReports($report);
    leave(0);
}

# The start message, as { KEY => [VALUE, ...] }:
#   cwd, arg..., env NAME=VALUE..., log (bytes kept per stream), grace, wall (ms, absent: no limit)
#   held-by, cpu-by, memory-by, pids-by, note...  the words of the enforcement that is planned
#   dir ASPECT:PATH..., set ASPECT:FILE:VALUE..., join FILE   its cgroups; aspect `all` for cgroup v2
#   freezer DIR       of cgroup v1: there while it is paused
#   netns FILE  the network namespace that it enters
#   memlimit (bytes)  for the watchdog, where the kernel does not hold it
#   term..., hold..., act...   see terms.pl
#   isolated, wrap..., account, nonew, secret...   see isolation.pl
sub holdAttempt {
    my ($report, $signals, $line, $next) = @_;
    my ($verb, $id, @fields) = decode($line);
    my $follows = $verb eq 'next' ? shift @fields : undef;
    if (defined $follows && ($follows ne $seat{last} || isStopped($id))) {
        vacate();
        inform($report, recordUnstarted($id) // encode('exists', $id));
        return 1;
    }
    my $ask = keyed(@fields);
    my $env = { map { split /=/, $_, 2 } @{ $ask->{env} // [] } };
    my $alike = defined $follows && !$ask->{cwd};
    vacate() if !defined $follows;
    my $s   = {
        id     => $id,
        dir    => "$attemptsDir/$id",
        report => $report,
        next   => $next,
        ask    => $ask = $alike ? $seat{ask} : $ask,
        env    => $env,
        dirs   => $seat{dirs} // { %{ dirsOf($ask) } },
        signals => $signals,
        held   => { note => [ @{ $ask->{note} // [] } ], term => [ @{ $ask->{term} // [] } ],
            map { $_ => $ask->{"$_-by"}[0] } HELD },
        self   => $$,
        root   => $$,
        began  => nowMs(),
        grace  => $ask->{grace}[0],
        limit  => $ask->{memlimit}[0],
    };
    takeCgroups($s);
    my $seated = $s->{base};
    if ($alike && $seated && isForRunner($s)) {
        my $held = holdLine($s, $line, $follows);
        return $held if defined $held;
    }
    beginRecord($s) or return $s->{begunBefore};
    # Of one that follows, all else is as it was.
    if ($alike) { $ENV{$_} = $env->{$_} for keys %$env }
    else        { %ENV = %$env }
    enterLimits($s) if !$seated;
    watchIfUnheld($s);
    $s->{gates} //= [ openGates($s) ];
    forkTask($s);
    attend($s);
    my @found = findings($s);
    my $saved = recordEnd($s, @found, heldFields($s->{held}));
    flushReports($report) if nowMs() - $pendingSince >= TELL_MS;
    return $saved && $s->{childless};
}

# Whether somebody was to be stopped, and it is this one that has not begun.
sub isStopped {
    my ($id) = @_;
    $everNudged = 1 if $nudged;
    return $everNudged && unlink stopPath($id);
}

# The cgroups that the one before left, where nothing of it is left in them, or new ones.
sub takeCgroups {
    my ($s) = @_;
    @$s{qw(record linked)} = @seat{qw(record linked)};
    if ($seat{dirs} && resetPeak($seat{dirs}, $seat{files})) {
        $s->{base}  = $seat{counted};
        $s->{files} = $seat{files};
        $s->{gates} = $seat{gates};
        @{ $s->{held} }{ keys %{ $seat{held} } } = values %{ $seat{held} };
        %seat = (last => '');
        return;
    }
    my $dirs = $seat{dirs};
    vacate();
    $s->{files} = {};
    return if !$dirs;
    $s->{dirs} = { map { $_ => $dirs->{$_} =~ s{[^/]+\z}{$s->{id}}r } keys %$dirs };
    return;
}

# Whether the memory peak in the cgroup is one of what comes from now on, and nearly nothing is there.
sub resetPeak {
    my ($dirs, $files) = @_;
    return 1 if !defined($dirs->{memory} // $dirs->{all});
    my $fd = $files->{ peakFile($dirs) } // return 0;
    my $left = resetRaw($fd);
    $resets = 1 if defined $left;
    return defined $left && $left =~ /\A\d+/ && $left < LEFT_MAX;
}

sub peakFile {
    my ($dirs) = @_;
    return "$dirs->{all}/memory.peak" if defined $dirs->{all};
    return "$dirs->{memory}/memory.max_usage_in_bytes";
}

# Nobody takes over the place that the last attempt left.
sub vacate {
    if ($seat{dirs}) {
        closeFiles($seat{files}, $seat{gates});
        removeCgroups($seat{dirs});
    }
    delete @seat{qw(dirs files gates held counted record linked)};
    return;
}

sub closeFiles {
    my ($files, $gates) = @_;
    closeRaw(values %$files);
    closeGates(@$gates);
    return;
}

# The record has lines `start`, `task` and `ended`, each written at once; one without its newline is void.
# Those that follow each other share one record, which has the name of each: a name costs a twentieth of a file.
sub beginRecord {
    my ($s) = @_;
    my $path = recordPath($s->{id});
    my $line = encode('start', $s->{id}, "boot=$bootId", "shim=$$", "shimstart=$shimStart",
        'began=' . nowMs(CLOCK_REALTIME), heldFields($s->{held}), map { "dir=$_:$s->{dirs}{$_}" } keys %{ $s->{dirs} });
    # Whoever makes the file begins the attempt, and nobody else.
    my $made = $s->{record} && ++$s->{linked} < LINKED_MAX && writeAll($s->{record}, $line) && linkFile($s->{record}, $path);
    if (!$made) {
        $s->{linked} = 0;
        $made = ($s->{record} = createFile($path)) && writeAll($s->{record}, $line);
    }
    my $why = "$!: $path";
    my $taken = !$made && !$s->{record} && $! == $exists;
    # Since the launcher looked, a shim of an earlier launcher may have begun it, and its end have been settled.
    if ($made && -e settledPath($s->{id})) {
        unlink $path;
        ($taken, $s->{record}, $s->{linked}) = (1, undef, 0);
    }
    elsif ($made) { return 1 }
    if ($taken) {
        inform($s->{report}, encode('exists', $s->{id}));
        removeCgroups($s->{dirs}) if $s->{base};
        return !($s->{begunBefore} = 1);
    }
    recordEnd($s, 'cause=lost', 'unstarted=1', "message=$why", heldFields($s->{held}));
    return 0;
}

# Several at once: the launcher need not wake for each.
sub inform {
    my ($report, $text) = @_;
    flushReports($report) if length($pending) + length($text) > PIPE_BUF;
    $pendingSince = nowMs() if $pending eq '';
    $pending .= $text;
    return;
}

sub flushReports {
    my ($report) = @_;
    syswrite $report, $pending if $pending ne '';
    $pending = '';
    return;
}

# Makes the cgroups and sets their limits; what does not hold is taken back, with a note.
sub enterLimits {
    my ($s) = @_;
    my $dirs = $s->{dirs};
    my %made;
    for my $aspect (keys %$dirs) {
        next if $made{ $dirs->{$aspect} }++ || makeCgroup($dirs->{$aspect}, $aspect);
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
    holdTerms($s) if $s->{ask}{term};
    return;
}

# Ways into the cgroups, one each: opened here, since what the task need not do is cheaper.
sub openGates {
    my ($s) = @_;
    my %unique = reverse %{ $s->{dirs} };
    my $join = $s->{ask}{join}[0];
    return map {
        my $file = $unique{$_} eq 'accounting' ? 'cgroup.procs' : $join;
        { aspect => $unique{$_}, %{ openGate("$_/$file") } }
    } keys %unique;
}

sub release {
    my ($held, $aspect, $why) = @_;
    my $name = $aspect eq 'all' ? 'cgroup' : $aspect;
    push @{ $held->{note} }, substr "$name: $why", 0, 200 if @{ $held->{note} } < NOTES_MAX;
    for my $one ($aspect eq 'all' ? qw(cpu memory pids) : $aspect) { $held->{$one} = 'none' }
    loseTermsOf($held, $aspect, $why);
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
    my $task = fork;
    if (defined $task && $task == 0) {
        eval { becomeTask($s, $outW, $errW, $statusW) };
        syswrite $statusW, encode('exec', "$@");
        leave(127);
    }
    my $cap = $s->{ask}{log}[0];
    $s->{logs}    = [ newLog("$s->{dir}/stdout.log", $cap), newLog("$s->{dir}/stderr.log", $cap) ];
    $s->{streams} = { fileno($outR) => [ $outR, $s->{logs}[0] ], fileno($errR) => [ $errR, $s->{logs}[1] ] };
    ($s->{status}, $s->{said}) = ($statusR, '');
    if (defined $task) {
        $s->{task} = $task;
        writeAll($s->{record}, encode('task', $s->{id}, "pid=$task"));
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
    enterNamespace($ask->{netns}[0]) if $ask->{netns};
    for (@{ $s->{gates} }) { enterGate($_) or syswrite $status, encode('join', $_->{aspect}, $_->{why}) }
    actTerms($ask, sub { syswrite $status, encode('term', @_) }) if $ask->{act};
    becomeFile(*STDOUT, $out) && becomeFile(*STDERR, $err) or die "$!: output\n";
    umask $taskUmask;
    my $cwd = $ask->{cwd}[0];
    chdir $cwd or die "$!: $cwd (the working folder)\n";
    my @argv = @{ $ask->{arg} // [''] };
    @argv = isolate($s, $status, @argv) if $ask->{isolated};
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
        if ($pending ne '') {
            my $tellAt = $pendingSince + TELL_MS;
            flushReports($s->{report}) if $now >= $tellAt;
            $wakeAt = $tellAt if $now < $tellAt && (!defined $wakeAt || $wakeAt > $tellAt);
        }
        my $wait = defined $wakeAt ? ($wakeAt > $now ? ($wakeAt - $now) / 1000 : 0) : undef;
        $wait = POLL_MS / 1000 if !defined $s->{signals} && (!defined $wait || $wait > POLL_MS / 1000);
        $bits = '' if 0 >= select $bits, undef, undef, $wait;
        if (defined $s->{signals} && vec $bits, $s->{signals}, 1) {
            for (takeSignals($s->{signals})) { $nudged = 1 if $_ eq 'USR1' }
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
        if ($nudged && (slurp(stopPath($s->{id})) // '') =~ /\A(?:save (\d+) )?(\d+) ([a-z-]+)/) {
            ($s->{grace}, $s->{announced}) = ($2, $3);
            # One that is repeated gives no more time.
            if (defined $1) { $s->{stopAt} //= $now + $1 }
            else            { $s->{ordered} = $s->{announced} }
            unlink stopPath($s->{id});
        }
        if    ($s->{ordered})           { }
        elsif (defined $s->{stopAt})    { $s->{ordered} = $s->{announced} if $now >= $s->{stopAt} }
        elsif (defined $deadline && $now >= $deadline) { $s->{ordered} = 'timed-out' }
        ($nudged, $everNudged) = (0, 1) if $nudged;
        if ($s->{ordered}) {
            $s->{killAt} = $now + $s->{grace};
            thawTree($s);
            my @pids = treePids($s->{dirs}, $s->{root}, $s->{task});
            kill 'TERM', @pids;
            kill 'CONT', @pids;
        }
    }
    if ($s->{watch} && $now >= ($s->{watchAt} // $s->{began} + WATCH_MS)) {
        my $bytes = residentBytes($s->{root});
        $s->{peak} = $bytes if $bytes > ($s->{peak} // 0);
        if ($bytes > $s->{limit} && !$s->{ordered}) { ($s->{watched}, $s->{killAt}) = ($bytes, $now) }
        $s->{watchAt} = $now + WATCH_MS;
    }
    my @wakes = $s->{watch} ? $s->{watchAt} // $s->{began} + WATCH_MS : ();
    if (!defined $s->{killAt}) { push @wakes, grep { defined } $s->{stopAt} // $deadline }
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
    killTree($s->{dirs}, $s->{root}, $s->{task});
    $s->{killed} = 1;
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
        if    ($kind eq 'exec') { chomp($s->{execError} = $words[0]) }
        elsif ($kind eq 'term') { loseTerm($s->{held}, @words) }
        elsif ($kind eq 'inside') { $s->{inside} = 1 }
        else                 { release($s->{held}, @words); watchIfUnheld($s) }
    }
    $s->{execError} //= '' if isWrapped($s->{ask}) && !$s->{inside} && !$s->{ordered} && !$s->{announced};
    inform($s->{report}, encode('started', $s->{id}, $s->{task}, termFields($s->{held}))) if !defined $s->{execError};
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
    return if !$adopts && treePids($s->{dirs}, $s->{root}, $s->{task});
    ($s->{childless}, $s->{giveUpAt}) = (1, undef);
    return;
}

# What is known of the end, as KEY=VALUE fields.
sub findings {
    my ($s) = @_;
    my @counted = readCounters($s->{dirs}, $s->{held}{pids} ne 'none', $s->{files});
    my ($kernelPeak, @sums) = @counted;
    my ($kills, $refused, $kernelCpuMs) = map { defined $sums[$_] ? $sums[$_] - ($s->{base}[$_] // 0) : undef } 0 .. 2;
    my ($cpuMs, $largest) = $s->{runner} ? ($cpuBefore + $s->{used}[0], $s->{used}[1]) : childrenUsage();
    my $peak = $kernelPeak // $s->{peak};
    # The size of the largest process, of all that this shim has ever waited for.
    $peak //= $largest if $largest > $largestBefore && $largest > SIZE_KNOWN;
    my $usedMs = $cpuMs - $cpuBefore;
    ($cpuBefore, $largestBefore) = ($cpuMs, $largest) if !$s->{runner};
    my $unkilled = $s->{childless} ? 0 : treePids($s->{dirs}, $s->{root}, $s->{task});
    my ($total, $lost) = (0, 0);
    for (@{ $s->{logs} }) { $total += $_->{total}; $lost += $_->{lost} }
    my ($code, $signal) = ($s->{exit} >> 8, $s->{exit} & 127);
    my $cause = causeOf($s, $kills);
    tellPressure($s);
    if ($s->{ask}{isolated}) {
        $s->{execError} = whyUnisolated($s) if ($s->{execError} // 'none') eq '';
        removeSecrets($s->{id});
    }
    my $leaked = leaveSeat($s, $cause, \@sums);
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
        leaked   => $leaked || undef,
        ended    => nowMs(CLOCK_REALTIME),
    );
    my @fields;
    while (my ($key, $value) = splice @known, 0, 2) { push @fields, "$key=$value" if defined $value }
    return @fields;
}

# Keeps the cgroups where somebody follows at once; otherwise how many could not be removed.
sub leaveSeat {
    my ($s, $cause, $sums) = @_;
    my $ok = $cause eq 'succeeded' && $s->{childless};
    my $runner = $s->{runner};
    @$s{qw(succeeded counted)} = ($ok, $sums);
    %seat = (last => $ok ? $s->{id} : '', ask => $s->{ask});
    if ($ok && !$s->{killed}) {
        if ($runner) { $s->{kept} = 1; return 0 }
        if ($s->{next} && (peekLine($s->{next}) // '') =~ /\Anext\t[^\t]+\t\Q$s->{id}\E[\t\n]/) {
            @seat{qw(dirs files gates held record linked counted)} = (@$s{qw(dirs files gates held record linked)}, $sums);
            return 0;
        }
    }
    closeFiles($s->{files}, $s->{gates});
    closeRunner($runner) if $runner;
    # A cgroup that somebody took away held nothing any more.
    my ($left, @gone) = removeCgroups($s->{dirs});
    release($s->{held}, $_, 'its cgroup was removed while it ran') for @gone;
    return $left;
}

sub causeOf {
    my ($s, $kills) = @_;
    return 'start-failed' if defined $s->{execError};
    return $s->{ordered} // $s->{announced} if $s->{announced} || $s->{ordered};
    return 'oom-killed'  if defined $s->{watched} || ($kills && $s->{exit} != 0);
    return 'signalled'   if $s->{exit} & 127;
    return $s->{exit} ? 'failed' : 'succeeded';
}

# What the kernel counted: memory peak, processes killed for memory, forks refused, CPU milliseconds.
sub readCounters {
    my ($dirs, $limited, $files) = @_;
    my ($memory, $pids) = map { $dirs->{$_} // $dirs->{all} } qw(memory pids);
    my ($peak, $kills, $refused, $cpuMs);
    if (defined $memory) {
        $peak = slurpKept($files, peakFile($dirs));
        chomp $peak if defined $peak;
        my $events = slurpKept($files, $dirs->{all} ? "$memory/memory.events" : "$memory/memory.oom_control") // '';
        ($kills) = $events =~ /^oom_kill (\d+)/m;
    }
    ($refused) = (slurpKept($files, "$pids/pids.events") // '') =~ /^max (\d+)/m if defined $pids && $limited;
    if (defined $dirs->{all}) {
        my ($micros) = (slurpKept($files, "$dirs->{all}/cpu.stat") // '') =~ /^usage_usec (\d+)/m;
        $cpuMs = int($micros / 1000) if defined $micros;
    }
    return ($peak, $kills // 0, $refused // 0, $cpuMs);
}

sub heldFields {
    my ($held) = @_;
    return ((map { "$_-by=$held->{$_}" } HELD), (map { "note=$_" } @{ $held->{note} }), termFields($held));
}

# Writes the end to disk and tells the launcher, so that neither alone can lose it.
sub recordEnd {
    my ($s, @fields) = @_;
    my $saved = $s->{record} && writeAll($s->{record}, encode('ended', $s->{id}, @fields)) ? 1 : 0;
    inform($s->{report}, encode('ended', $s->{id}, @fields, "saved=$saved"));
    return $saved;
}

# In a child of the launcher: the shim of `id` is gone. Ends what it left, and records that nobody saw the end.
sub bury {
    my ($id, $report, $why, $after) = @_;
    $SIG{$_} = sub { } for qw(PIPE HUP INT TERM);
    my ($record, $ended) = readRecord($id);
    if (defined $ended) {
        # It may have kept its place for who follows.
        clearSeat($id);
        chomp $ended;
        syswrite $report, "$ended\tsaved=1\n";
        leave(0);
    }
    if (!%$record && defined $after) {
        # It stood in line: the cgroups of the one before may have been kept for it.
        my $end = recordUnstarted($id);
        clearSeat($after) if defined $end;
        syswrite $report, $end // encode('exists', $id);
        leave(0);
    }
    # Who asked for this may have read the record just before its shim had written to it, or once it was settled.
    my $lives = ($record->{boot}[0] // '') eq $bootId && defined $record->{shim}
        && isAlive($record->{shim}[0], $record->{shimstart}[0] // '');
    if ($lives || -e settledPath($id)) {
        # A shim that made a record after that, and died before it looked, has begun nothing.
        unlink recordPath($id) if !$lives;
        syswrite $report, encode('exists', $id);
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
        removeSecrets($id);
        my ($leaked) = removeCgroups($dirs);
        push @counted, "leaked=$leaked" if $leaked;
    }
    my @held = map { my $key = $_; map { "$key=$_" } @{ $record->{$key} // [] } } (map { "$_-by" } HELD), 'note', 'term';
    my $s = { id => $id, report => $report };
    open $s->{record}, '>>', recordPath($id) or $s->{record} = undef;
    # Ends a line that was cut off.
    writeAll($s->{record}, "\n") if $s->{record};
    recordEnd($s, 'cause=lost', "message=$why", @counted, 'ended=' . nowMs(CLOCK_REALTIME), @held);
    flushReports($report);
    leave(0);
}

# Removes the cgroups of one that ended, with all that is in them.
sub clearSeat {
    my ($id) = @_;
    my ($record) = readRecord($id);
    ($record) = readRecord($id, 'settled') if !%$record;
    my $dirs = dirsOf($record);
    killTree($dirs) if %$dirs;
    removeCgroups($dirs);
    return;
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
