# What stands between a task and the rest of the host: the mounts and namespaces that bubblewrap makes for it,
# the user that it becomes, and the secrets that it is given.
#
#   isolated 1               one of the following is there
#   wrap ARGUMENT...         bwrap and its arguments, before the task's own
#   account UID:GID,GID...   whom it becomes, with these groups
#   nonew 1                  it cannot gain privileges
#   seccomp HEX              a filter of its system calls, for bwrap
#   secret AS:NAME:SECRET... AS is `file` or `environment`; values are read from STATE/secrets, in the task alone
use strict;

sub PR_SET_NO_NEW_PRIVS() { 38 }
sub PR_GET_NO_NEW_PRIVS() { 39 }
sub F_SETFD()             { 2 }
sub SECRET_MAX()          { 64 << 10 }

our ($linux, $stateDir, $exists, $absent);

# Runs inside of what bwrap made, as a program of its own: it must not need files that are hidden there.
# The pipe to the shim is still open: it tells that the isolation stands, and why the program cannot be executed.
my $enter = <<'PERL';
my ($status, $env, $calls, $filtered, $account, @argv) = @ARGV;
open my $say, '>&=', $status or die "status: $!\n";
fcntl $say, 2, 1;
open my $from, '<&=', $env or die "environment: $!\n";
my $text = '';
1 while sysread $from, $text, 1 << 20, length $text;
close $from;
%ENV = map { split /=/, $_, 2 } split /\0/, $text;
sub fail { syswrite $say, "exec\t" . join(' ', @_) =~ s/[%\t\r\n]/ /gr . "\n"; exit 127 }
if ($account ne '') {
    my ($uid, $gids) = split /:/, $account;
    my @gids = split /,/, $gids;
    my ($setgroups, $setgid, $setuid) = split /,/, $calls;
    my ($u, $g, $list) = ($uid + 0, $gids[0] + 0, pack 'I*', @gids);
    syscall($setgroups + 0, scalar @gids, $list) == 0 && syscall($setgid + 0, $g, $g, $g) == 0
        && syscall($setuid + 0, $u, $u, $u) == 0 or fail("cannot become user $uid: $!");
    my %want = map { $_ => 1 } @gids;
    my %have = map { $_ => 1 } split ' ', $);
    my $same = join(' ', sort keys %want) eq join(' ', sort keys %have);
    fail("user $uid with groups $gids is $> with $)") if $< != $uid || $> != $uid || !$same || $( !~ /\A$gids[0]\b/;
    if ($uid != 0) { $> = 0; fail("user $uid could become root again") if $> == 0 }
}
# PR_GET_SECCOMP says 2 of a filter, which may refuse that, too.
if ($filtered) {
    my $mode = syscall((split /,/, $calls)[3] + 0, 21, 0, 0, 0, 0);
    fail("no filter of system calls holds: $mode") if $mode != 2 && !($mode < 0 && $! == 1);
}
$SIG{$_} = 'DEFAULT' for qw(HUP INT USR1 USR2 TERM);
syswrite $say, "inside\n";
{ no warnings; exec { $argv[0] } @argv; }
fail("$!: $argv[0]");
PERL

# In the task. Returns what is executed, and leaves the environment as that needs it.
sub isolate {
    my ($s, $status, @argv) = @_;
    my $ask = $s->{ask};
    giveSecrets($s) if $ask->{secret};
    if ($ask->{nonew}) {
        my $prctl = callNumber('prctl') // die "the system calls of this machine are not known\n";
        0 == syscall $prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0 and 1 == syscall $prctl, PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0
            or die "no_new_privs: $!\n";
    }
    return @argv if !isWrapped($ask);
    # bwrap waits for the task in a process of its own, which a stop must not end before the task.
    $SIG{$_} = 'IGNORE' for qw(HUP INT USR1 USR2 TERM);
    fcntl $status, F_SETFD, 0;
    # What the task is told could change what these programs do while they have all rights.
    my $env = memoryFile(join '', map { "$_=$ENV{$_}\0" } keys %ENV);
    my ($bwrap, @wrap) = @{ $ask->{wrap} // [] };
    # It holds from the program below on, before the task's own.
    unshift @wrap, '--seccomp', memoryFile(pack 'H*', $ask->{seccomp}[0]) if $ask->{seccomp} && defined $bwrap;
    my @command = ($bwrap // (), @wrap, $^X, '-e', $enter, '--', fileno $status, $env, rightsCalls(),
        $ask->{seccomp} ? 1 : 0, $ask->{account}[0] // '', @argv);
    %ENV = (PATH => '/usr/sbin:/usr/bin:/sbin:/bin', map { $_ => $ENV{$_} // '' } qw(BERTH_INSTANCE BERTH_ATTEMPT_ID));
    return @command;
}

# setgroups, setresgid, setresuid and prctl, of the machines that host.pl knows. (syscall tables of 6.1)
sub rightsCalls { return (callNumber('prctl') // 0) == 157 ? '116,119,117,157' : '159,149,147,167' }

sub isWrapped { my ($ask) = @_; return $ask->{wrap} || ($ask->{account}[0] // '') ne '' }

# What bwrap said, when the task never came to be.
sub whyUnisolated {
    my ($s) = @_;
    my ($said) = (slurp("$s->{dir}/stderr.log") // '') =~ /^(bwrap: [^\n]{1,300})/m;
    return 'its isolation could not be set up' . (defined $said ? ": $said" : '');
}

# Closing a handle would close its file.
my @kept;

# A file without a name, that the programs executed next inherit, from its beginning on.
sub memoryFile {
    my ($text) = @_;
    my $known = callNumber('prctl') // die "the system calls of this machine are not known\n";
    my $name = 'environment';
    my $fd = syscall $known == 157 ? 319 : 279, $name, 0;
    die "memfd_create: $!\n" if $fd < 0;
    open my $file, '>&=', $fd or die "memfd: $!\n";
    writeAll($file, $text) && defined sysseek $file, 0, 0 or die "memfd: $!\n";
    fcntl $file, F_SETFD, 0;
    push @kept, $file;
    return $fd;
}

# A folder in memory: made by the task, taken away by its shim, or by whoever finds it without one.
sub secretsDir { my ($id) = @_; return secretsRoot() . "/$id" }

sub secretsRoot { return '/dev/shm/berth-' . substr(slurp("$stateDir/instance") // '', 0, 8) }

sub giveSecrets {
    my ($s) = @_;
    my ($uid, $gid) = split /[:,]/, $s->{ask}{account}[0] // '';
    my $dir = secretsDir($s->{id});
    for (@{ $s->{ask}{secret} }) {
        my ($as, $name, $secret) = split /:/, $_, 3;
        my $path = "$stateDir/secrets/$secret";
        my $value = slurp($path) // die "$!: secret $secret\n";
        die "secret $secret is longer than ${\ SECRET_MAX} bytes\n" if length $value > SECRET_MAX;
        if ($as eq 'environment') {
            die "secret $secret has a NUL character in it\n" if $value =~ /\0/;
            $ENV{$name} = $value;
            next;
        }
        makeSecretsDir($dir, $uid, $gid);
        spit("$dir/$name", $value) && chmod 0400, "$dir/$name" or die "$!: $dir/$name\n";
        if (defined $uid) { chown $uid, $gid, "$dir/$name" or die "$!: $dir/$name\n" }
    }
    return;
}

sub makeSecretsDir {
    my ($dir, $uid, $gid) = @_;
    return if -d $dir;
    my $parent = $dir =~ s{/[^/]*\z}{}r;
    mkdir($parent, 0711) and chmod 0711, $parent;
    my @found = lstat $parent;
    die "$parent belongs to somebody else\n" if !@found || $found[4] != $> || !-d _ || $found[2] & 022;
    mkdir($dir, 0700) or die "$!: $dir\n";
    if (defined $uid) { chown $uid, $gid, $dir or die "$!: $dir\n" }
    return;
}

# In the shim. The task may have put more into it.
sub removeSecrets {
    my ($id) = @_;
    return removeTree(secretsDir($id));
}

sub removeTree {
    my ($path) = @_;
    return if !lstat $path;
    if (-d _ && !-l _) {
        opendir my $folder, $path or return;
        removeTree("$path/$_") for grep { $_ ne '.' && $_ ne '..' } readdir $folder;
        rmdir $path;
    } else {
        unlink $path;
    }
    return;
}

1;
