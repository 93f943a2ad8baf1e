# Reads files for the daemon, in a process that may wait for a driver as long as it does.
# A line on stdin: patterns, with tabs between. The answer: path NUL content NUL for each file, and a NUL at the end.
use strict;
use warnings;
use File::Glob ':bsd_glob';

my ($root) = @ARGV;
my ($files_max, $bytes_max) = (20_000, 65_536);
$| = 1;
while (my $line = <STDIN>) {
    chomp $line;
    my $answer = '';
    my $left = $files_max;
    for my $path (map { bsd_glob("$root$_", GLOB_NOSORT) } split /\t/, $line) {
        last if $left-- <= 0;
        open my $file, '<', $path or next;
        # A sensor that is not connected answers the read with an error.
        defined(sysread $file, my $content, $bytes_max) or next;
        next if length $content == $bytes_max;
        while (length $content && sysread $file, my $more, $bytes_max) {
            $content .= $more;
            last if length $content >= $bytes_max;
        }
        next if length $content >= $bytes_max;
        $content =~ tr/\0//d;
        $answer .= substr($path, length $root) . "\0$content\0";
    }
    print "$answer\0" or exit;
}
