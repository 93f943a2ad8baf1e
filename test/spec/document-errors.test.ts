import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { formatIssues } from '../../src/spec/format-issues.ts';
import { parseDocument } from '../../src/spec/parse-document.ts';

/** The first lines of the report, without the file name and the frames. */
function reported(text: string, fileName: string): string[] {
  const result = parseDocument(text, { fileName });
  if (result.ok) return [];
  return formatIssues(result.issues, text, fileName)
    .split('\n')
    .filter((line) => line.startsWith(`${fileName}:`))
    .map((line) => line.slice(fileName.length + 1));
}

interface Case {
  readonly text: string;
  readonly want: readonly string[];
  readonly fileName?: string;
}

const groups: Record<string, Record<string, Case>> = {
  'keys and types': {
    'a misspelt key': {
      text: 'run: x\nresources:\n  memroy: 1Gi\n',
      want: ['3:3 error: resources.memroy: unknown key "memroy" - did you mean "memory"?'],
    },
    'a key that is called otherwise here': {
      text: 'steps:\n  - {id: a, command: x}\n  - {id: b, run: x, depends_on: a}\n',
      want: [
        '2:6 error: steps[0]: the step has nothing to run; expected `run` or `action`',
        '2:13 error: steps[0].command: unknown key "command" - did you mean "run"?',
        '3:21 error: steps[1].depends_on: unknown key "depends_on" - did you mean "needs"?',
      ],
    },
    'a key in the wrong place': {
      text: 'run: x\ntimeout: 5\nsteps:\n  - {id: a, run: x, memory: 1Gi}\n',
      want: [
        '1:1 error: run: "run" belongs in a step of a pipeline',
        '2:1 error: timeout: unknown key "timeout"',
        '4:21 error: steps[0].memory: unknown key "memory" - did you mean "resources.memory"?',
      ],
    },
    'a pipeline with keys that belong under defaults': {
      text: 'retry: {max_retries: 1}\nsteps: [{id: a, run: x}]\n',
      want: ['1:1 error: retry: unknown key "retry" - did you mean "defaults.retry"?'],
    },
    'nothing near the key': {
      text: 'run: x\nzzz: 1\n',
      want: ['2:1 error: zzz: unknown key "zzz"'],
    },
    'a missing key points at its parent': {
      text: 'steps:\n  - run: x\n',
      want: ['2:5 error: steps[0].id: the key `id` is missing'],
    },
    'wrong types': {
      text: 'run: {a: 1}\nname: 7\nenv: [a]\ncount: "3"\nlabels: {a: {}}\ncwd: true\nretry: 3\nresources: [1]\n',
      want: [
        '1:6 error: run: a map cannot be used here; expected text for /bin/sh, or a list of a program and its arguments',
        '2:7 error: name: 7 cannot be used here; expected text, in quotes: "7"',
        '3:6 error: env: a list cannot be used here; expected a map',
        '4:8 error: count: "3" cannot be used here; expected a whole number',
        '5:13 error: labels.a: a map cannot be used here; expected text, a number, true or false',
        '6:6 error: cwd: true cannot be used here; expected text, in quotes: "true"',
        '7:8 error: retry: 3 cannot be used here; expected a map',
        '8:12 error: resources: a list cannot be used here; expected a map',
      ],
    },
    'empty values': {
      text: 'run:\nresources:\nname: x\n',
      want: [
        '1:1 error: run: the value is empty; expected text for /bin/sh, or a list of a program and its arguments',
        '2:1 error: resources: the value is empty; expected a map',
      ],
    },
    'duplicate keys': {
      text: 'run: x\nname: a\nname: b\nenv: {A: 1, A: 1}\n',
      want: [
        '3:1 error: name: the key "name" is given twice; expected each key once',
        '4:13 error: env.A: the key "A" is given twice; expected each key once',
      ],
    },
    'a prototype as a key': {
      text: 'run: x\nenv: {__proto__: {a: 1}}\n',
      want: ['2:7 error: env.__proto__: a key cannot have this name'],
    },
  },
  'what is run': {
    'nothing at all': {
      text: 'name: x\n',
      want: ['1:1 error: nothing to run; expected `run` or `action`, or `steps` for a pipeline'],
    },
    'steps misspelt': {
      text: 'name: x\nstep:\n  - {id: a, run: x}\n',
      want: [
        '1:1 error: nothing to run; expected `run` or `action`, or `steps` for a pipeline',
        '2:1 error: step: unknown key "step" - did you mean "steps"?',
      ],
    },
    'run and action': {
      text: 'run: x\naction: shell\nwith: {script: x}\n',
      want: ['2:1 error: action: `run` is given, too, and only one of them can be the command'],
    },
    'with without action': {
      text: 'run: x\nwith: {script: x}\n',
      want: ['2:1 error: with: `with` belongs to an `action`'],
    },
    'no arguments': {
      text: 'run: []\n',
      want: ['1:6 error: run: the list is empty; expected at least 1'],
    },
    'an empty program': {
      text: 'run: ["", x]\n',
      want: ['1:7 error: run[0]: the name of the program is empty'],
    },
    'an empty script': { text: 'run: " "\n', want: ['1:6 error: run: the text is empty'] },
    'NUL in arguments, scripts and the environment': {
      text: 'run: [echo, "a\\0b"]\nenv: {A: "\\0"}\ncwd: "/a\\0"\n',
      want: [
        '1:13 error: run[1]: a NUL character cannot be passed to a program',
        '2:10 error: env.A: a NUL character cannot be passed to a program',
        '3:6 error: cwd: a NUL character cannot be passed to a program',
      ],
    },
    'half a character': {
      text: '{"run": "\\ud800"}',
      fileName: 'a.json',
      want: ['1:9 error: run: half of a character (a lone surrogate)'],
    },
    'an unknown action': {
      text: 'action: shel\n',
      want: [
        '1:9 error: action: no action is named "shel"; expected run, shell, python, http, simple_process, complex_analysis, process_data_shard, search_web, analyze_with_ai - did you mean "shell"?',
      ],
    },
    'wrong arguments of an action': {
      text: 'action: shell\nwith: {skript: x}\n',
      want: [
        '2:1 error: with.script: the key `script` is missing',
        '2:8 error: with.skript: unknown key "skript" - did you mean "script"?',
      ],
    },
    'python with both or neither': {
      text: 'steps:\n  - {id: a, action: python, with: {code: x, file: y}}\n  - {id: b, action: python}\n',
      want: [
        '2:35 error: steps[0].with: give either `code` or `file`',
        '3:6 error: steps[1].with: give either `code` or `file`',
      ],
    },
    'different tasks in one step, and a command': {
      text: 'steps:\n  - id: a\n    run: x\n    parallel: {tasks: [{run: x}, {env: {A: 1}}]}\n',
      want: [
        '3:5 error: steps[0].run: belongs in each of `parallel.tasks`, which are given, too',
        '4:35 error: steps[0].parallel.tasks[1]: the task has nothing to run; expected `run` or `action`',
      ],
    },
    'different tasks in a job': {
      text: 'parallel: {tasks: [{run: x}]}\n',
      want: [
        '1:12 error: parallel.tasks: different tasks are for a step of a pipeline; expected `steps` with such a step',
      ],
    },
    'a relative folder': {
      text: 'run: x\ncwd: data\n',
      want: ['2:6 error: cwd: the path is relative; expected an absolute path'],
    },
  },
  steps: {
    'no steps': {
      text: 'steps: []\n',
      want: ['1:8 error: steps: the list is empty; expected at least 1'],
    },
    'steps that are no list': {
      text: 'steps: {a: {run: x}}\n',
      want: ['1:8 error: steps: a map cannot be used here; expected a list'],
    },
    'a step that is text': {
      text: 'steps: [hello]\n',
      want: ['1:9 error: steps[0]: "hello" cannot be used here; expected a map'],
    },
    'bad ids': {
      text: `steps:\n  - {id: "a b", run: x}\n  - {id: -a, run: x}\n  - {id: ${'a'.repeat(64)}, run: x}\n  - {id: 7, run: x}\n`,
      want: [
        '2:10 error: steps[0].id: "a b" cannot be used here; expected letters, digits, _ and -, beginning with a letter or digit, at most 63',
        '3:10 error: steps[1].id: "-a" cannot be used here; expected letters, digits, _ and -, beginning with a letter or digit, at most 63',
        `4:10 error: steps[2].id: "${'a'.repeat(39)}…" cannot be used here; expected letters, digits, _ and -, beginning with a letter or digit, at most 63`,
        '5:10 error: steps[3].id: 7 cannot be used here; expected text, in quotes: "7"',
      ],
    },
    'the same id twice': {
      text: 'steps:\n  - {id: a, run: x}\n  - {id: a, run: y}\n',
      want: ['3:10 error: steps[1].id: the step id "a" is used twice, first by steps[0]'],
    },
    'a step that does not exist': {
      text: 'steps:\n  - {id: prepare, run: x}\n  - {id: train, run: y, needs: [prepair, zzz]}\n',
      want: [
        '3:33 error: steps[1].needs[0]: no step has the id "prepair" - did you mean "prepare"?',
        '3:42 error: steps[1].needs[1]: no step has the id "zzz"',
      ],
    },
    'a step that needs itself': {
      text: 'steps:\n  - {id: a, run: x, needs: a}\n',
      want: ['2:28 error: steps[0].needs: the step "a" needs itself'],
    },
    'a circle': {
      text: 'steps:\n  - {id: a, run: x, needs: [b]}\n  - {id: b, run: x, needs: c}\n  - {id: c, run: x, needs: [d, a]}\n  - {id: d, run: x}\n',
      want: ['4:32 error: steps[2].needs[1]: the steps need each other in a circle: a → b → c → a'],
    },
    'circles and typing errors are found together': {
      text: 'steps:\n  - {id: a, run: x, needs: b, memroy: 1}\n  - {id: b, run: x, needs: a}\n',
      want: [
        '2:31 error: steps[0].memroy: unknown key "memroy"',
        '3:28 error: steps[1].needs: the steps need each other in a circle: a → b → a',
      ],
    },
  },
  amounts: {
    'negative, zero, absurd': {
      text: 'run: x\nresources: {cpu: -1, memory: 0, gpu: 1.5}\nresource_limits: {timeout: 0, memory: 1e30, pids: 0}\n',
      want: [
        '2:18 error: resources.cpu: "-1" is below the range; expected 0 to 1000000 cores',
        '2:30 error: resources.memory: "0" is nothing; expected more than 0',
        '2:38 error: resources.gpu: "1.5" GPUs cannot be given out; expected a share of one device below 1, or whole devices',
        '3:28 error: resource_limits.timeout: "0" is nothing; expected more than 0',
        '3:39 error: resource_limits.memory: "1e+30" is above the range; expected 0 to 16Ei',
        '3:51 error: resource_limits.pids: 0 is out of range; expected at least 1',
      ],
    },
    'an instance, and an amount beside it': {
      text: 'run: x\nresources: {gpu: {mig: 1g.5gb, memory: 5Gi}}\n',
      want: [
        '2:19 error: resources.gpu.mig: an instance has the compute and memory of its profile: leave out count and memory',
      ],
    },
    'no profile of MIG': {
      text: 'run: x\nresources: {gpu: {mig: half}}\n',
      want: [
        '2:24 error: resources.gpu.mig: "half" cannot be used here; expected a profile such as 1g.5gb',
      ],
    },
    'not a number': {
      text: 'run: x\nresources: {cpu: .nan, memory: .inf, gpu: true}\ncount: 1.5\npriority: 1e400\n',
      want: [
        '2:18 error: resources.cpu: ".nan" is not an amount of CPU; expected a number of cores such as 2, 0.5 or 500m',
        '2:32 error: resources.memory: ".inf" is not an amount of bytes; expected a number with a unit such as 512Mi, 1.5Gi or 16GB',
        '2:43 error: resources.gpu: true cannot be used here; expected GPUs, or a map with a count',
        '3:8 error: count: 1.5 cannot be used here; expected a whole number',
        '4:11 error: priority: "1e400" cannot be used here; expected a whole number',
      ],
    },
    'a unit that is nearly right': {
      text: 'run: x\nresources: {memory: {request: 512m, limit: 4gb}}\n',
      want: [
        '2:31 error: resources.memory.request: "m" in "512m" would mean thousandths of a byte; expected a number with a unit such as 512Mi, 1.5Gi or 16GB - did you mean "512Mi"?',
        '2:44 error: resources.memory.limit: unknown unit "gb" in "4gb"; expected a number with a unit such as 512Mi, 1.5Gi or 16GB - did you mean "4GB"?',
      ],
    },
    'a request above its limit': {
      text: 'run: x\nresources:\n  cpu: {request: 2, limit: 1}\n  memory: 1Gi\nresource_limits: {memory: 512Mi}\n',
      want: [
        '3:28 error: resources.cpu.limit: the request 2 is above the limit 1',
        '5:27 error: resource_limits.memory: the request 1Gi is above the limit 512Mi',
      ],
    },
    'a request of a step above the limit of the defaults': {
      text: 'defaults: {resource_limits: {memory: 1Gi}}\nsteps: [{id: a, run: x, resources: {memory: {request: 2Gi}}}]\n',
      want: ['1:38 error: defaults.resource_limits.memory: the request 2Gi is above the limit 1Gi'],
    },
    'one wrong step does not hide another': {
      text: 'steps:\n  - {id: a, run: x, resources: {cpu: x}}\n  - {id: b, run: x, resources: {cpu: {request: 2, limit: 1}}}\n',
      want: [
        '2:38 error: steps[0].resources.cpu: "x" is not an amount of CPU; expected a number of cores such as 2, 0.5 or 500m',
        '3:58 error: steps[1].resources.cpu.limit: the request 2 is above the limit 1',
      ],
    },
    'one wrong step does not hide what the defaults contradict': {
      text: 'defaults: {resource_limits: {memory: 1Gi}}\nsteps:\n  - {id: a, run: x, count: 0}\n  - {id: b, run: x, resources: {memory: {request: 2Gi}}}\n',
      want: [
        '1:38 error: defaults.resource_limits.memory: the request 2Gi is above the limit 1Gi',
        '3:28 error: steps[0].count: 0 is out of range; expected at least 1',
      ],
    },
    'the same resource at two levels': {
      text: 'run: x\nresources: {cpu: 1, compute: {cpu: 2, memory: 1Gi}}\n',
      want: [
        '2:31 error: resources.compute.cpu: `resources.cpu` is given, too, and they are the same thing',
      ],
    },
    'unlimited requests': {
      text: 'run: x\nresources: {memory: unlimited}\n',
      want: [
        '2:21 error: resources.memory: "unlimited" cannot be requested; expected a finite amount',
      ],
    },
    'retries that disagree': {
      text: 'run: x\nretry: {max_retries: 1, backoff: 1m, backoff_max: 5s, memory_growth: 0.5}\n',
      want: ['2:70 error: retry.memory_growth: "0.5" is below the range; expected at least 1'],
    },
    'retries in two places, and waits': {
      text: 'run: x\nretry: {max_retries: 1, backoff: 1m, backoff_max: 5s}\nresource_limits: {max_retries: 2}\n',
      want: [
        '2:51 error: retry.backoff_max: 5s is below the first wait, 1m',
        '3:32 error: resource_limits.max_retries: says 2, but retry.max_retries says 1, and they are the same thing',
      ],
    },
    'counts that disagree': {
      text: 'run: x\ncount: 2\nparallel: {count: 3}\n',
      want: ['3:19 error: parallel.count: says 3, but `count` says 2, and they are the same thing'],
    },
    'priority out of range': {
      text: 'run: x\npriority: 1001\n',
      want: ['2:11 error: priority: 1001 is out of range; expected at most 1000'],
    },
    'too many tasks': {
      text: 'steps:\n  - {id: a, run: x, count: 600000}\n  - {id: b, run: x, count: 600000}\n',
      want: ['1:1 error: steps: the steps have 1200000 tasks together; expected at most 1000000'],
    },
    'names of the environment': {
      text: 'run: x\nenv: {BERTH_NODE: a, "a=b": 1, "": 1, A: ~}\n',
      want: [
        '2:7 error: env.BERTH_NODE: "BERTH_NODE" is not a name; expected a name without `=` that does not begin with BERTH_ (those are set by Berth)',
        '2:22 error: env["a=b"]: "a=b" is not a name; expected a name without `=` that does not begin with BERTH_ (those are set by Berth)',
        '2:32 error: env[""]: "" is not a name; expected a name without `=` that does not begin with BERTH_ (those are set by Berth)',
        '2:42 error: env.A: the value is empty; expected text, a number, true or false',
      ],
    },
    'a queue with a bad name': {
      text: 'run: x\nqueue: a b\n',
      want: [
        '2:8 error: queue: "a b" cannot be used here; expected letters, digits, _ . and -, beginning with a letter or digit, at most 63',
      ],
    },
  },
  syntax: {
    'an empty file': {
      text: '',
      want: [
        '1:1 error: the document is empty; expected `run` for a job or `steps` for a pipeline',
      ],
    },
    'comments only': {
      text: '# nothing\n\n',
      want: [
        '1:1 error: the document has comments only; expected `run` for a job or `steps` for a pipeline',
      ],
    },
    'several documents': {
      text: 'run: x\n---\nrun: y\n',
      want: ['2:1 error: a second document begins here; expected one document per file'],
    },
    'a single value': {
      text: 'hello\n',
      want: ['1:1 error: a single value is not a document; expected a map with `run` or `steps`'],
    },
    'a list': {
      text: '- run: x\n',
      want: ['1:1 error: a list is not a document; expected a map with `run` or `steps`'],
    },
    'a missing quote': {
      text: 'run: "x\nname: y\n',
      want: ['2:8 error: not valid YAML: missing closing "quote'],
    },
    'a tab as indentation': {
      text: 'run: x\nenv:\n\tA: 1\n',
      want: ['3:1 error: a tab indents this line; expected spaces'],
    },
    'two values on a line': {
      text: 'run: a: b\n',
      want: ['1:6 error: a second `: ` on one line; expected text with `: ` in quotes'],
    },
    'an alias without an anchor': {
      text: 'run: *x\n',
      want: ['1:6 error: run: no anchor is named "x"'],
    },
    'an alias that contains itself': {
      text: 'run: x\nenv: &e {A: *e}\n',
      want: ['2:13 error: env.A: the alias "e" contains itself'],
    },
    'a merge of no map': {
      text: 'run: x\nenv: {<<: 3}\n',
      want: ['2:11 error: env: `<<` takes a map or a list of maps'],
    },
    'an unknown tag': {
      text: 'run: !!python/object x\n',
      want: ['1:6 error: this tag has no meaning here; expected plain YAML without tags'],
    },
    'a NUL byte': {
      text: 'run: x\n\0',
      want: [
        '2:1 error: a NUL byte: this is not a text file, or it is UTF-16; expected UTF-8 text',
      ],
    },
    'a file that was not UTF-8': {
      text: 'run: caf\ufffd\n',
      want: ['1:9 error: a byte that is not UTF-8 was replaced here; expected UTF-8 text'],
    },
    'JSON with a trailing comma': {
      text: '{\n  "run": "x",\n}\n',
      fileName: 'a.json',
      want: ['3:1 error: not valid JSON; expected a key in double quotes'],
    },
    'JSON that ends early': {
      text: '{\n  "run": "x"\n',
      fileName: 'a.json',
      want: ['2:13 error: the JSON ends too early; expected `,` or the closing bracket'],
    },
    'YAML in a JSON file': {
      text: 'run: x\n',
      fileName: 'a.json',
      want: ['1:1 error: not valid JSON; expected a value'],
    },
    'a typing error in JSON': {
      text: '{\n  "run": "x",\n  "resources": {"memroy": "1Gi"}\n}\n',
      fileName: 'a.json',
      want: ['3:17 error: resources.memroy: unknown key "memroy" - did you mean "memory"?'],
    },
  },
};

for (const [group, cases] of Object.entries(groups)) {
  describe(group, () => {
    for (const [name, { text, want, fileName = 'doc.yaml' }] of Object.entries(cases)) {
      test(name, () => assert.deepEqual(reported(text, fileName), want));
    }
  });
}

test('at most 100 issues, the first ones, in the order of the text', () => {
  const text = `run: x\nenv:\n${Array.from({ length: 300 }, (_, i) => `  BERTH_${i}: x\n`).join('')}`;
  const result = parseDocument(text, { fileName: 'doc.yaml' });
  assert.ok(!result.ok);
  assert.equal(result.issues.length, 100);
  assert.deepEqual(
    result.issues.map((issue) => issue.line),
    Array.from({ length: 100 }, (_, i) => i + 3),
  );
});
