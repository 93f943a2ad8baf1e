import { homedir, userInfo } from 'node:os';

/** What a task's environment starts from. The daemon's own variables stay with the daemon. */
export function baseEnv(): Record<string, string> {
  const env: Record<string, string> = {
    PATH: process.env['PATH'] ?? '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: homedir(),
    USER: userName(),
    LANG: process.env['LANG'] ?? 'C.UTF-8',
  };
  for (const name of ['TZ', 'LD_LIBRARY_PATH', 'TMPDIR']) {
    const value = process.env[name];
    if (value !== undefined) env[name] = value;
  }
  return env;
}

/** The name of the user, or its number where it has none. */
export function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.() ?? 'unknown');
  }
}
