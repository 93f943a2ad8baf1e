# Project quota of a folder, where its file system has one: ext4 and xfs mounted with prjquota.
#   quota.pl set DIR ID BYTES   says `held`, or else why not
#   quota.pl clear DIR ID
# System calls, so that no program of quota tools is needed. The numbers are the same on x86_64, aarch64 and riscv64.
use strict;
use warnings;

sub GET_XATTR()   { 0x801c581f }    # FS_IOC_FSGETXATTR, linux/fs.h: five words and eight bytes
sub SET_XATTR()   { 0x401c5820 }
sub INHERIT()     { 0x00000200 }    # FS_XFLAG_PROJINHERIT: what is made in it belongs to the project, too
sub QUOTACTL_FD() { 443 }           # since 5.14
sub PROJECT()     { 2 }             # PRJQUOTA, linux/quota.h
sub GET_QUOTA()   { 0x800007 << 8 | PROJECT }
sub SET_QUOTA()   { 0x800008 << 8 | PROJECT }
sub BLOCK()       { 1024 }          # QIF_DQBLKSIZE
sub LIMIT_GIVEN() { 1 }             # QIF_BLIMITS

my ($what, $dir, $id, $bytes) = @ARGV;
open my $folder, '<', $dir or say("open: $!");
say(limit(0) // 'cleared') if $what eq 'clear';
say(assign() // limit(int(($bytes + BLOCK - 1) / BLOCK)) // 'held');

# Undefined when the folder, and what will be made in it, belongs to the project.
sub assign {
    my $attributes = "\0" x 28;
    ioctl $folder, GET_XATTR, $attributes or return "FSGETXATTR: $!";
    my ($flags, @rest) = unpack 'L5', $attributes;
    $rest[2] = $id;
    $attributes = pack 'L5 x8', $flags | INHERIT, @rest;
    ioctl $folder, SET_XATTR, $attributes or return "FSSETXATTR: $!";
    my $got = "\0" x 28;
    ioctl $folder, GET_XATTR, $got or return "FSGETXATTR: $!";
    my ($gotFlags, @gotRest) = unpack 'L5', $got;
    return $gotFlags & INHERIT && $gotRest[2] == $id ? undef : 'the file system keeps no projects';
}

# Undefined when the project is held to so many blocks; 0: to none. Read back.
sub limit {
    my ($blocks) = @_;
    my $quota = pack 'Q8 L x4', $blocks, (0) x 7, LIMIT_GIVEN;
    0 == syscall QUOTACTL_FD, fileno $folder, SET_QUOTA, $id + 0, $quota or return "Q_SETQUOTA: $!";
    my $got = "\0" x 72;
    0 == syscall QUOTACTL_FD, fileno $folder, GET_QUOTA, $id + 0, $got or return "Q_GETQUOTA: $!";
    my ($limit) = unpack 'Q', $got;
    return $limit == $blocks ? undef : "the kernel says $limit blocks";
}

sub say {
    print "$_[0]\n";
    exit 0;
}
