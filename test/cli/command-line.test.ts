import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { test } from 'node:test';
import { bashCompletion } from '../../src/cli/completion/bash.ts';
import { fishCompletion } from '../../src/cli/completion/fish.ts';
import { zshCompletion } from '../../src/cli/completion/zsh.ts';
import { EXIT, exitCodeTable } from '../../src/cli/exit-codes.ts';
import { parseCommandLine } from '../../src/cli/parse-command-line.ts';
import { describeError } from '../../src/cli/printer.ts';
import { cliReference } from '../../src/cli/reference.ts';
import { registry } from '../../src/cli/registry.ts';
import { resolveSettings, type Surroundings } from '../../src/cli/settings.ts';
import { errorTable, OperationError } from '../../src/model/errors.ts';

const parse = (line: string) => parseCommandLine(line.split(' ').filter(Boolean), registry);

const wrong: Record<string, RegExp> = {
  sttaus: /^unknown command 'sttaus' \(did you mean status\?\)$/,
  'spec shcema': /^unknown command 'shcema' \(did you mean schema\?\)$/,
  'ps --jsno': /^unknown option '--jsno' \(did you mean --json\?\)$/,
  'ps --al': /^unknown option '--al' \(did you mean --all\?\)$/,
  run: /^missing required argument 'file'$/,
  'cancel --json': /^missing required argument 'id'$/,
  'why 1 2': /too many arguments for 'why'/,
  'logs 1 --tail -4': /'-4' is invalid\. It must be a whole number, 0 to 100000\.$/,
  'up --port 65536': /It must be a whole number, 0 to 65535\.$/,
  'wait 1 --timeout soon': /'soon' is invalid\. It must be a time like 90s, 5m or 1h30m\.$/,
  'ps --state': /^option '--state <folder>' argument missing$/,
};
for (const [line, want] of Object.entries(wrong)) {
  test(`berth ${line} is refused as USAGE, on one line`, () => {
    assert.throws(
      () => parse(line),
      (error) => {
        assert.ok(error instanceof OperationError);
        assert.equal(error.code, 'USAGE');
        assert.equal(describeError(error).exit, 64);
        assert.match(error.message, want);
        assert.ok(!error.message.includes('\n'));
        return true;
      },
    );
  });
}

test('global flags stand before or after the command, and no value is taken for an operand', () => {
  for (const line of [
    '--json --state /s wait 12 --timeout 1m30s',
    'wait --timeout 90 12 --state /s --json',
  ]) {
    const parsed = parse(line);
    assert.ok(parsed.kind === 'command');
    assert.equal(parsed.command.name, 'wait');
    assert.deepEqual(parsed.operands, ['12']);
    assert.equal(parsed.values['timeout'], 90_000);
    assert.equal(parsed.flags.state, '/s');
    assert.equal(parsed.flags.json, true);
    assert.equal(parsed.flags.color, true);
  }
});

test('stdin is an operand, and two-word commands are one command', () => {
  const run = parse('run -');
  assert.ok(run.kind === 'command');
  assert.deepEqual(run.operands, ['-']);
  const schema = parse('spec schema --json');
  assert.ok(schema.kind === 'command');
  assert.equal(schema.command.name, 'spec schema');
});

for (const line of ['', '--help', '-h', 'help', 'spec', 'spec --help']) {
  test(`berth ${line} shows help and is no error`, () => {
    const parsed = parse(line);
    if (line === 'help') assert.ok(parsed.kind === 'command');
    else
      assert.ok(
        parsed.kind === 'help' &&
          parsed.text.startsWith(line.startsWith('spec') ? 'Usage' : 'Berth'),
      );
  });
}

test('every command has help that fits 80 columns and names its options', () => {
  for (const command of registry) {
    const parsed = parse(`${command.name} --help`);
    assert.ok(parsed.kind === 'help', command.name);
    assert.ok(
      parsed.text.split('\n').every((line) => line.length <= 80),
      command.name,
    );
    for (const option of Object.keys(command.options)) {
      assert.ok(parsed.text.includes(longOf(option)), option);
    }
    assert.ok(!command.summary.endsWith('.'));
  }
});

test('the registry and the folder of commands hold the same', () => {
  const files = globSync('src/cli/commands/*.ts').map((file) => basename(file, '.ts'));
  assert.deepEqual(files.toSorted(), registry.map(({ name }) => name.replace(' ', '-')).toSorted());
});

test('the reference names every command, option and exit code', () => {
  const text = cliReference();
  for (const command of registry) {
    assert.ok(text.includes(`### \`berth ${command.name}`), command.name);
    for (const option of Object.keys(command.options))
      assert.ok(text.includes(longOf(option)), option);
  }
  for (const { code } of exitCodeTable()) assert.ok(text.includes(`| ${code} |`));
});

test('every error has an exit code with a meaning, and none means success or a failed workload', () => {
  for (const { code, meaning, errors } of exitCodeTable()) {
    assert.notEqual(meaning, 'see the errors', `${code}`);
    const isOwn =
      code === EXIT.ok || code === EXIT.workloadFailed || code === EXIT.workloadCancelled;
    if (isOwn) assert.deepEqual(errors, []);
  }
  const shown = exitCodeTable().flatMap(({ errors }) => errors);
  assert.deepEqual(shown.toSorted(), Object.keys(errorTable).toSorted());
});

test('an unforeseen error is a bug with exit code 70', () => {
  const { document, exit } = describeError(new TypeError('x is not a function'));
  assert.equal(exit, 70);
  assert.equal(document.detail, 'TypeError: x is not a function');
});

const around = (
  env: Surroundings['env'],
  platform = 'linux',
  files: readonly string[] = [],
): Surroundings => ({
  env,
  home: '/home/ada',
  platform,
  resolve: (path) => (path.startsWith('/') ? path : `/work/${path}`),
  exists: (path) => files.includes(path),
});
const siteCases: Record<
  string,
  {
    env: Surroundings['env'];
    files?: readonly string[];
    want: readonly [string | undefined, string];
  }
> = {
  'nothing said': { env: {}, want: [undefined, 'default'] },
  'a variable, from the folder that one is in': {
    env: { BERTH_SITE: 'site.yaml' },
    want: ['/work/site.yaml', 'environment'],
  },
  'an empty variable': { env: { BERTH_SITE: '' }, want: [undefined, 'default'] },
  'a file in its place': {
    env: {},
    files: ['/home/ada/.config/berth/site.yaml'],
    want: ['/home/ada/.config/berth/site.yaml', 'found'],
  },
  'a file where XDG says, and not in the usual place': {
    env: { XDG_CONFIG_HOME: '/etc/ada' },
    files: ['/etc/ada/berth/site.yaml', '/home/ada/.config/berth/site.yaml'],
    want: ['/etc/ada/berth/site.yaml', 'found'],
  },
  'a variable is stronger than a file': {
    env: { BERTH_SITE: '/s.yaml' },
    files: ['/home/ada/.config/berth/site.yaml'],
    want: ['/s.yaml', 'environment'],
  },
};
for (const [name, { env, files, want }] of Object.entries(siteCases)) {
  test(`site file: ${name}`, () => {
    const { value, origin } = resolveSettings({}, around(env, 'linux', files)).site;
    assert.deepEqual([value, origin], want);
  });
}

const stateCases: Record<
  string,
  { flags: string | undefined; env: Surroundings['env']; want: readonly string[] }
> = {
  'nothing said': { flags: undefined, env: {}, want: ['/home/ada/.local/state/berth', 'default'] },
  XDG: { flags: undefined, env: { XDG_STATE_HOME: '/x' }, want: ['/x/berth', 'environment'] },
  'a relative XDG is not valid': {
    flags: undefined,
    env: { XDG_STATE_HOME: 'x' },
    want: ['/home/ada/.local/state/berth', 'default'],
  },
  'its own variable is stronger than XDG': {
    flags: undefined,
    env: { XDG_STATE_HOME: '/x', BERTH_STATE: 's' },
    want: ['/work/s', 'environment'],
  },
  'an empty variable says nothing': {
    flags: undefined,
    env: { BERTH_STATE: '' },
    want: ['/home/ada/.local/state/berth', 'default'],
  },
  'the flag is strongest': { flags: 'f', env: { BERTH_STATE: '/s' }, want: ['/work/f', 'flag'] },
};
for (const [name, { flags, env, want }] of Object.entries(stateCases)) {
  test(`the state folder: ${name}`, () => {
    const { stateDir } = resolveSettings({ state: flags }, around(env));
    assert.deepEqual([stateDir.value, stateDir.origin], want);
  });
}

const looks: Record<
  string,
  { env: Surroundings['env']; color?: boolean; want: readonly [string, boolean] }
> = {
  'a plain terminal': { env: { TERM: 'xterm', LANG: 'en_US.UTF-8' }, want: ['basic', true] },
  '256 colours': { env: { TERM: 'xterm-256color', LANG: 'de_DE.utf8' }, want: ['256', true] },
  'true colour': {
    env: { TERM: 'xterm', COLORTERM: 'truecolor', LC_ALL: 'C.UTF-8' },
    want: ['256', true],
  },
  NO_COLOR: { env: { TERM: 'xterm', NO_COLOR: '1', LANG: 'C.UTF-8' }, want: ['none', true] },
  'an empty NO_COLOR': {
    env: { TERM: 'xterm', NO_COLOR: '', LANG: 'C.UTF-8' },
    want: ['basic', true],
  },
  '--no-color': { env: { TERM: 'xterm', LANG: 'C.UTF-8' }, color: false, want: ['none', true] },
  'a dumb terminal': { env: { TERM: 'dumb', LANG: 'C.UTF-8' }, want: ['none', true] },
  'no terminal type': { env: { LANG: 'C.UTF-8' }, want: ['none', true] },
  'latin-1': { env: { TERM: 'xterm', LANG: 'de_DE.ISO-8859-1' }, want: ['basic', false] },
  'LC_ALL before LANG': {
    env: { TERM: 'xterm', LC_ALL: 'C', LANG: 'C.UTF-8' },
    want: ['basic', false],
  },
  'no locale': { env: { TERM: 'xterm' }, want: ['basic', false] },
};
for (const [name, { env, color, want }] of Object.entries(looks)) {
  test(`colours and characters: ${name}`, () => {
    const { colour, unicode } = resolveSettings({ color }, around(env));
    assert.deepEqual([colour.value, unicode.value], want);
  });
}

test('a port that is none is ignored, and the origin says so', () => {
  const { port } = resolveSettings({}, around({ BERTH_PORT: '70000' }));
  assert.equal(port.origin, 'default');
  assert.match(port.source, /BERTH_PORT is not a port/);
});

function completeInBash(words: readonly string[]): readonly string[] {
  const script = `${bashCompletion(registry)}
COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')})
COMP_CWORD=${words.length - 1}
_berth
printf '%s\\n' "\${COMPREPLY[@]}"`;
  const done = spawnSync('bash', ['-c', script], { encoding: 'utf8', timeout: 10_000 });
  assert.equal(done.status, 0, done.stderr);
  return done.stdout.split('\n').filter(Boolean);
}

const completions: Record<string, { words: readonly string[]; want: readonly string[] }> = {
  commands: { words: ['berth', 'w'], want: ['why', 'wait', 'whatif'] },
  'options of a command': { words: ['berth', 'logs', '--f'], want: ['--follow'] },
  'global options': { words: ['berth', '--st'], want: ['--state'] },
  'options of another command are not offered': { words: ['berth', 'ps', '--fo'], want: [] },
  'second words': { words: ['berth', 'spec', ''], want: ['schema'] },
  'a value of an option is no command': {
    words: ['berth', '--state', '/x', 'conf'],
    want: ['config'],
  },
  shells: { words: ['berth', 'completion', ''], want: ['bash', 'zsh', 'fish'] },
};
for (const [name, { words, want }] of Object.entries(completions)) {
  test(`bash completes ${name}`, () => assert.deepEqual(completeInBash(words), want));
}

test('bash completes files', () => {
  assert.deepEqual(completeInBash(['berth', 'run', 'package.js']), ['package.json']);
});

const scripts = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion };
for (const [shell, generate] of Object.entries(scripts)) {
  const found = process.env['PATH']!.split(':').some((folder) => existsSync(`${folder}/${shell}`));
  test(`the script for ${shell} parses`, {
    skip: found ? false : `${shell} is not installed`,
  }, () => {
    const done = spawnSync(shell, ['-n'], {
      input: generate(registry),
      encoding: 'utf8',
      timeout: 10_000,
    });
    assert.equal(done.status, 0, done.stderr);
    assert.equal(done.stderr, '');
  });
}

test('no summary breaks a completion script', () => {
  const nasty = { ...registry[0]!, summary: `it's a [test]: "$HOME" \\ \`x\`` };
  const fish = fishCompletion([nasty]);
  assert.ok(fish.includes(`-d 'it\\'s a [test]: "$HOME" \\\\ \`x\`'`));
  assert.ok(zshCompletion([nasty]).includes(`'run:it'\\''s a [test]: "$HOME" \\ \`x\`'`));
});

test('the package says what the command is', () => {
  const manifest = JSON.parse(readFileSync('package.json', 'utf8'));
  assert.equal(manifest.bin.berth, 'dist/app/main.js');
});

/** `dryRun` is written `--dry-run`. */
const longOf = (option: string): string =>
  `--${option.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
