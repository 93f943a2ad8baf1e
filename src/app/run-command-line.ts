import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { resolve } from 'node:path';
import { EXIT } from '../cli/exit-codes.ts';
import { openTerminal } from '../cli/io/open-terminal.ts';
import { type CommandLine, parseCommandLine } from '../cli/parse-command-line.ts';
import { printError, printResult } from '../cli/printer.ts';
import { registry } from '../cli/registry.ts';
import { type GlobalFlags, resolveSettings, type Settings } from '../cli/settings.ts';
import { openWorld } from './open-world.ts';
import { version } from './version.ts';

/** Runs one command line to its end; the exit code. The only place where any error at all is caught. */
export async function runCommandLine(argv: readonly string[]): Promise<number> {
  const debug = (process.env['BERTH_DEBUG'] ?? '') !== '';
  // Even where the command line is wrong, it may have asked for JSON.
  let settings = settingsOf({ json: argv.includes('--json') });
  let terminal = openTerminal(settings);
  process.once('uncaughtException', (error) => {
    void printError(terminal, error, { json: settings.json.value, debug }).then((exit) =>
      process.exit(exit),
    );
  });
  try {
    const line: CommandLine = parseCommandLine(argv, registry);
    if (line.kind === 'version') {
      await terminal.write(`berth ${version}\n`);
      return EXIT.ok;
    }
    if (line.kind === 'help') {
      await terminal.write(line.text);
      return EXIT.ok;
    }
    settings = settingsOf(line.flags);
    terminal = openTerminal(settings);
    const world = openWorld({ settings, terminal });
    const result = await line.command.run(line.operands, line.values, world);
    await printResult(terminal, result, settings.json.value);
    return result.stay === undefined ? result.exit : await result.stay();
  } catch (error) {
    return await printError(terminal, error, { json: settings.json.value, debug });
  }
}

function settingsOf(flags: GlobalFlags): Settings {
  return resolveSettings(flags, {
    env: process.env,
    home: homedir(),
    platform: process.platform,
    resolve: (path) => resolve(path),
    exists: existsSync,
  });
}
