/* spawn-loop JOBS AT_ONCE: /bin/true by posix_spawn, and nothing else. */
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>

extern char **environ;

int main(int argc, char **argv) {
  if (argc != 3) return 64;
  int jobs = atoi(argv[1]), at_once = atoi(argv[2]), running = 0;
  char *args[] = {"/bin/true", NULL};
  for (int i = 0; i < jobs; i++) {
    if (running == at_once) {
      wait(NULL);
      running--;
    }
    pid_t pid;
    if (posix_spawn(&pid, args[0], NULL, NULL, args, environ) != 0) return 1;
    running++;
  }
  while (wait(NULL) > 0) {
  }
  return 0;
}
