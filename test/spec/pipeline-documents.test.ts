import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { UNLIMITED } from '../../src/base/units.ts';
import type { StepFlow } from '../../src/model/flow.ts';
import type { StepSpec, WorkloadSpec } from '../../src/model/workload.ts';
import { formatIssues } from '../../src/spec/format-issues.ts';
import { type ParseOptions, parseDocument } from '../../src/spec/parse-document.ts';

const fileName = 'p.yaml';

function parsed(text: string, options: Partial<ParseOptions> = {}): WorkloadSpec {
  const result = parseDocument(text, { fileName, ...options });
  assert.ok(result.ok, result.ok ? '' : formatIssues(result.issues, text, fileName));
  return result.spec;
}

function step(spec: WorkloadSpec, id: string): StepSpec {
  const found = spec.steps.find((one) => one.id === id);
  assert.ok(found, `no step ${id} in ${spec.steps.map((one) => one.id).join(', ')}`);
  return found;
}

/** The first lines of the report, errors and warnings, without frames. */
function reported(text: string, options: Partial<ParseOptions> = {}): string[] {
  const result = parseDocument(text, { fileName, ...options });
  const issues = result.ok ? result.warnings : result.issues;
  return formatIssues(issues, text, fileName, options.files?.texts)
    .split('\n')
    .filter((line) => /^\S+:\d+:\d+ /.test(line));
}

describe('variables and includes', () => {
  test('a text that is one hole gets the value with its type', () => {
    const spec = parsed(
      'vars: {cpus: 3, image: big, list: [x, y]}\nsteps:\n  - id: a\n    run: [echo, "${{ vars.image }}-${{ vars.cpus + 1 }}"]\n    resources: {cpu: "${{ vars.cpus }}"}\n  - id: b\n    run: "${{ vars.list }}"\n',
    );
    assert.deepEqual(step(spec, 'a').run, { kind: 'argv', argv: ['echo', 'big-4'] });
    assert.equal(step(spec, 'a').request.cpu, 3000);
    assert.deepEqual(step(spec, 'b').run, { kind: 'argv', argv: ['x', 'y'] });
    assert.equal(step(spec, 'a').flow, undefined);
    assert.deepEqual(spec.vars, { cpus: 3, image: 'big', list: ['x', 'y'] });
  });

  test('what is given by name goes before files, and files before the document', () => {
    const text = 'vars: {a: 1, b: "1.10", c: 1, d: "${{ vars.a }}!"}\nrun: [x]\n';
    const texts = new Map([['v.yaml', 'a: 2\nc: 2\n']]);
    const spec = parsed(text, {
      files: { texts },
      vars: { files: ['v.yaml'], given: { c: '3', b: '1.20' } },
    });
    assert.deepEqual(spec.vars, { a: 2, b: '1.20', c: 3, d: '2!' });
  });

  test('included files: maps are joined, steps go first, the nearer value counts', () => {
    const texts = new Map([
      ['lib/a.yaml', 'include: ../common/b.yaml\nvars: {x: 1, y: 1}\nsteps: [{id: one, run: a}]\n'],
      ['common/b.yaml', 'vars: {x: 0, z: 0}\nsteps: [{id: zero, run: a}]\n'],
    ]);
    const spec = parsed(
      'include: [lib/a.yaml, common/b.yaml]\nvars: {y: 2}\nsteps: [{id: two, run: a, needs: [one]}]\n',
      { files: { texts } },
    );
    assert.deepEqual(spec.vars, { x: 1, z: 0, y: 2 });
    assert.deepEqual(
      spec.steps.map(({ id }) => id),
      ['zero', 'one', 'two'],
    );
    assert.match(spec.source, /--- # lib\/a\.yaml/);
  });

  test('a combination of a matrix is the item of its task', () => {
    const [only] = parsed(
      'run: [x, "$${{ matrix.a }}-${{ matrix.a }}/${{ [1].map(m, m + matrix.b)[0] }}"]\nmatrix: {a: [1], b: [2]}\nenv: {A: "${{matrix.a}}", B: matrix.a}\n',
    ).steps;
    assert.deepEqual(only!.run, {
      kind: 'argv',
      argv: ['x', '$${{ matrix.a }}-${{ item.a }}/${{ [1].map(m, m + item.b)[0] }}'],
    });
    assert.deepEqual(only!.env, { A: '${{item.a}}', B: 'matrix.a' });
  });

  test('a written sign is no hole, and stays none for a step whose holes are filled later', () => {
    const spec = parsed(
      'steps:\n  - {id: a, run: [x]}\n  - id: b\n    needs: a\n    run: [x, "$${{ y }}", "${{ steps.a.outputs.n }}"]\n    env: {A: "$${{", B: "${{ steps.a.state }}"}\n  - {id: c, run: [x, "$${{ y }}"]}\n',
    );
    const b = step(spec, 'b');
    assert.equal(b.flow?.holes, true);
    assert.deepEqual(b.run, { kind: 'argv', argv: ['x', '$${{ y }}', '${{ steps.a.outputs.n }}'] });
    assert.deepEqual(b.env, { A: '$${{', B: '${{ steps.a.state }}' });
    assert.deepEqual(step(spec, 'c').run, { kind: 'argv', argv: ['x', '${{ y }}'] });
  });
});

describe('what a step does', () => {
  const flows: Record<string, { text: string; want: StepFlow | undefined; count?: number }> = {
    'nothing of it': { text: 'run: x', want: undefined, count: 1 },
    'a condition with braces': {
      text: "if: ${{ steps.a.state == 'failed' }}\n    run: x",
      want: { condition: "steps.a.state == 'failed'", onFailure: 'fail' },
    },
    'a condition without braces': {
      text: 'if: vars.deploy\n    run: x',
      want: { condition: 'vars.deploy', onFailure: 'fail' },
    },
    'a written condition': {
      text: 'if: false\n    run: x',
      want: { condition: 'false', onFailure: 'fail' },
    },
    'failure that does not stop': {
      text: 'on_failure: continue\n    run: x',
      want: { onFailure: 'continue' },
    },
    'a matrix with more and less': {
      text: 'run: [x, "${{ matrix.os }}"]\n    matrix:\n      os: [l, m]\n      n: [1, 2]\n      exclude: [{os: m, n: 2}]\n      include: [{os: l, fast: true}, {os: w}]',
      want: {
        each: {
          kind: 'items',
          items: [
            { os: 'l', n: 1, fast: true },
            { os: 'l', n: 2, fast: true },
            { os: 'm', n: 1 },
            { os: 'w' },
          ],
        },
        holes: true,
        onFailure: 'fail',
      },
      count: 4,
    },
    'a written list': {
      text: 'run: [x]\n    env: {I: "${{ item.a }}", N: "${{ index }}"}\n    each: [{a: 1}, {a: 2}]',
      want: {
        each: { kind: 'items', items: [{ a: 1 }, { a: 2 }] },
        holes: true,
        onFailure: 'fail',
      },
      count: 2,
    },
    'a list of variables is known now': {
      text: 'run: [x]\n    map: vars.shards.map(s, s + 1)',
      want: { each: { kind: 'items', items: [2, 3] }, onFailure: 'fail' },
      count: 2,
    },
    'a list that a step gives': {
      text: 'run: [x]\n    each: {items: "${{ steps.a.outputs.files }}", max: 50}',
      want: {
        each: { kind: 'expression', expression: 'steps.a.outputs.files', max: 50 },
        onFailure: 'fail',
      },
      count: 0,
    },
    'a cache': {
      text: 'run: [x]\n    cache: {ttl: 2h, share: everybody, inputs: [in, "${{ steps.a.outputs.dir }}/x"], outputs: [out], key: v1}',
      want: {
        onFailure: 'fail',
        cache: {
          ttlMs: 7_200_000,
          sharedBy: 'everybody',
          inputs: ['in', '${{ steps.a.outputs.dir }}/x'],
          artefacts: ['out'],
          salt: 'v1',
        },
      } as unknown as StepFlow,
    },
  };
  for (const [name, { text, want, count }] of Object.entries(flows)) {
    test(name, () => {
      const spec = parsed(
        `vars: {deploy: true, shards: [1, 2]}\nsteps:\n  - {id: a, run: x}\n  - id: b\n    needs: [a]\n    ${text}\n`,
      );
      assert.deepEqual(step(spec, 'b').flow, want);
      if (count !== undefined) assert.equal(step(spec, 'b').count, count);
    });
  }

  test('different tasks become steps of a group, and who needs the step needs all of them', () => {
    const spec = parsed(
      'steps:\n  - id: p\n    resources: {cpu: 2}\n    env: {A: outer, B: outer}\n    if: true\n    parallel:\n      max_workers: 3\n      tasks:\n        - {run: a, env: {A: inner}}\n        - {id: big, run: b, resources: {memory: 1Gi}, count: 4}\n  - {id: q, run: c, needs: [p]}\n  - {id: one, parallel: {tasks: [{run: d}]}}\n',
    );
    assert.deepEqual(
      spec.steps.map(({ id, needs }) => [id, needs]),
      [
        ['p_0', []],
        ['p_big', []],
        ['q', ['p_0', 'p_big']],
        ['one', []],
      ],
    );
    const [first, second] = spec.steps;
    assert.deepEqual(first!.flow, {
      condition: 'true',
      onFailure: 'fail',
      group: { id: 'p', maxParallel: 3 },
    });
    assert.deepEqual(first!.env, { A: 'inner', B: 'outer' });
    assert.equal(first!.request.cpu, 2000);
    assert.deepEqual([second!.request.cpu, second!.request.memory], [2000, 1024 ** 3]);
    assert.equal(second!.count, 4);
    assert.deepEqual(step(spec, 'one').flow?.group, { id: 'one', maxParallel: UNLIMITED });
  });
});

describe('the workload as a whole', () => {
  test('limits, the smaller of what several blocks say', () => {
    const spec = parsed(
      'pipeline:\n  resource_limits: {max_execution_time: 3600, max_memory: 32Gi, max_cpu: 8, max_concurrent_tasks: 20, max_retries: 3, cost_limits: {max_cost: 50.00, max_model_calls: 1000, max_tokens: 1000000}}\noptimization: {parallel_tasks: 10}\nresource_requirements: {compute: {cpu: 4}}\nsteps: [{id: a, run: x}]\n',
    );
    assert.deepEqual(spec.limits, {
      executionMs: 3_600_000,
      cpu: 4000,
      memory: 32 * 1024 ** 3,
      concurrentTasks: 10,
      retries: 3,
      cost: 50_000_000,
      modelCalls: 1000,
      tokens: 1_000_000,
    });
  });
  test('without any, there are none', () => {
    assert.equal(parsed('run: x\n').limits, undefined);
  });

  const classes: Record<string, [preemptible: boolean | undefined, process: object]> = {
    guaranteed: [false, { memoryProtection: 'hard' }],
    burstable: [undefined, { memoryProtection: 'soft' }],
    best_effort: [true, { oomScoreAdjust: 500 }],
  };
  for (const [name, [preemptible, process]] of Object.entries(classes)) {
    test(`class ${name}`, () => {
      const [only] = parsed(`run: x\nresource_requirements: {class: ${name}}\n`).steps;
      assert.equal(only!.stops?.preemptible, preemptible);
      assert.deepEqual(only!.execution?.process, process);
    });
  }
  const named: Record<string, [head: string, qos: string | undefined, of: object | undefined]> = {
    'a priority class': ['class: gold', undefined, { name: 'gold' }],
    'with a priority of its own': [
      'class: gold\npriority: 3',
      undefined,
      { name: 'gold', priority: 3 },
    ],
    'a class of service where priority classes stand': [
      'class: Best_Effort',
      'best-effort',
      undefined,
    ],
    'a priority class where classes of service stand': [
      'resource_requirements: {class: gold}',
      undefined,
      { name: 'gold' },
    ],
    'one of each kind': [
      'class: gold\nresource_requirements: {class: burstable}',
      'burstable',
      { name: 'gold' },
    ],
    'the same twice': [
      'class: gold\nresource_requirements: {class: gold}',
      undefined,
      { name: 'gold' },
    ],
  };
  for (const [name, [head, qos, of]] of Object.entries(named)) {
    test(`names ${name}`, () => {
      const spec = parsed(`run: x\n${head}\n`);
      assert.deepEqual([spec.steps[0]!.qos, spec.class], [qos, of]);
    });
  }
  test('a priority class says whether tasks may be stopped, before a class of service does', () => {
    const [only] = parsed(
      'run: x\nclass: gold\nresource_requirements: {class: guaranteed}\n',
    ).steps;
    assert.equal(only!.stops, undefined);
  });
  test('guaranteed is limited to what it asks for, unless it says otherwise', () => {
    const spec = parsed(
      'resource_requirements: {class: guaranteed}\nsteps:\n  - {id: a, run: x, resources: {cpu: {request: 2}}}\n  - {id: b, run: x, resources: {cpu: {request: 2, limit: 4}}}\n',
    );
    assert.deepEqual(
      spec.steps.map(({ limits }) => [limits.cpu, limits.memory]),
      [
        [2000, 256 * 1024 ** 2],
        [4000, 256 * 1024 ** 2],
      ],
    );
  });
  test('a step that says so itself is not changed by the class', () => {
    const [only] = parsed(
      'run: x\nresource_requirements: {class: guaranteed}\npreemption: {preemptible: true}\nprocess: {oom_score_adjust: 7}\n',
    ).steps;
    assert.equal(only!.stops?.preemptible, true);
    assert.equal(only!.execution?.process?.oomScoreAdjust, 7);
  });
  test('its class of traffic and its guarantee hold for steps without their own', () => {
    const spec = parsed(
      'resource_requirements: {network: {priority: high, bandwidth_guarantee: 100Mbps}}\nsteps: [{id: a, run: x}, {id: b, run: x, network: {priority: low}}]\n',
    );
    const [a, b] = spec.steps.map(({ execution }) => execution?.network);
    assert.deepEqual([a?.priority, a?.guaranteed], ['high', 100_000_000]);
    assert.deepEqual([b?.priority, b?.guaranteed], ['low', 100_000_000]);
  });

  test('caching asked for as a whole is for actions that repeat; a step may say otherwise', () => {
    const spec = parsed(
      'optimization: {caching: {enabled: true, share_across_users: true}}\ncost_optimization: {strategies: {caching: {enabled: true, ttl: 60, cache_expensive_operations: true}}}\nsteps:\n  - {id: a, action: simple_process, with: {file: in.txt}}\n  - {id: b, run: x}\n  - {id: c, action: analyze_with_ai, with: {endpoint: "http://x/v1"}}\n  - {id: d, action: simple_process, cache: false}\n  - {id: e, run: x, cache: {ttl: 5s}}\n  - {id: f, action: http, with: {url: "http://x"}}\n',
    );
    const cache = Object.fromEntries(spec.steps.map(({ id, flow }) => [id, flow?.cache]));
    const terms = { ttlMs: 60_000, sharedBy: 'everybody', artefacts: [], salt: '' };
    assert.deepEqual(cache, {
      a: { ...terms, inputs: ['in.txt'] },
      b: undefined,
      c: { ...terms, inputs: [] },
      d: undefined,
      e: { ...terms, ttlMs: 5000, inputs: [] },
      f: undefined,
    });
  });
});

describe('what is wrong is told with its place', () => {
  const a = 'steps:\n  - {id: a, run: x}\n';
  const cases: Record<string, { text: string; want: string[]; options?: Partial<ParseOptions> }> = {
    'an unknown variable': {
      text: 'vars: {count: 1}\nrun: [x, "${{ vars.cuont }}"]\n',
      want: ['p.yaml:2:15 error: run[1]: no variable is called "cuont" - did you mean "count"?'],
    },
    'a hole without its end': {
      text: 'run: [x, "${{ vars.a"]\n',
      want: [
        'p.yaml:1:10 error: run[1]: a hole `${{` has no `}}`; expected `${{ vars.x }}`; `$${{` for the signs themselves',
      ],
    },
    'an override of nothing': {
      text: 'vars: {count: 1}\nrun: x\n',
      options: { vars: { given: { cout: '3' } } },
      want: [
        'p.yaml:1:1 error: vars: no variable is called "cout"; expected count - did you mean "count"?',
      ],
    },
    'a file of variables that is wrong': {
      text: 'vars: {count: 1}\nrun: x\n',
      options: {
        files: { texts: new Map([['v.yaml', 'ok: 1\ncount: 2\n']]) },
        vars: { files: ['v.yaml'] },
      },
      want: ['v.yaml:1:1 error: ok: no variable is called "ok"; expected count'],
    },
    'an error in an included file': {
      text: 'include: lib.yaml\nsteps: [{id: b, run: x}]\n',
      options: { files: { texts: new Map([['lib.yaml', 'steps:\n  - {id: a, runn: x}\n']]) } },
      want: [
        'lib.yaml:2:6 error: steps[0]: the step has nothing to run; expected `run` or `action`',
        'lib.yaml:2:13 error: steps[0].runn: unknown key "runn" - did you mean "run"?',
      ],
    },
    'an included file that is no YAML': {
      text: 'include: lib.yaml\nrun: x\n',
      options: { files: { texts: new Map([['lib.yaml', 'vars:\n\ta: 1\n']]) } },
      want: ['lib.yaml:2:1 error: a tab indents this line; expected spaces'],
    },
    'files that include each other': {
      text: 'include: lib.yaml\nrun: x\n',
      options: { files: { texts: new Map([['lib.yaml', 'include: p.yaml\n']]) } },
      want: [
        'lib.yaml:1:10 error: include: files include each other in a circle: p.yaml → lib.yaml → p.yaml',
      ],
    },
    'an included file that is not there': {
      text: 'include: [lib.yaml]\nrun: x\n',
      options: {
        files: { texts: new Map(), unreadable: new Map([['lib.yaml', 'does not exist']]) },
      },
      want: ['p.yaml:1:11 error: include: "lib.yaml" does not exist'],
    },
    'an absolute path to include': {
      text: 'include: /etc/passwd\nrun: x\n',
      want: [
        'p.yaml:1:10 error: include: an absolute path; expected a path from the folder of this file',
      ],
    },
    'something known only later where it must be known now': {
      text: `${a}  - {id: b, needs: a, run: x, resources: {cpu: "\${{ steps.a.outputs.n }}"}}\n`,
      want: [
        'p.yaml:3:53 error: steps[1].resources.cpu: `steps` is known only when the step runs; expected `vars` only; the others in `env`, `with`, `cache`, `if`, `each` and a list of `run`',
      ],
    },
    'something known only later in a script': {
      text: `${a}  - id: b\n    needs: a\n    run: rm -r "\${{ steps.a.outputs.dir }}"\n`,
      want: [
        'p.yaml:5:21 error: steps[1].run: `steps` is known only when the step runs, and would be read as a part of the program; expected a value in `env`, and `"$NAME"` in the text',
      ],
    },
    'something known only later in the code of an action': {
      text: `${a}  - {id: b, needs: a, action: python, with: {code: "\${{ steps.a.outputs.c }}"}}\n`,
      want: [
        'p.yaml:3:57 error: steps[1].with.code: `steps` is known only when the step runs, and would be read as a part of the program; expected a value in `env`, and `"$NAME"` in the text',
      ],
    },
    'an unknown step': {
      text: `${a}  - {id: b, needs: a, run: x, if: "steps.aa.state == 'failed'"}\n`,
      want: ['p.yaml:3:36 error: steps[1].if: no step has the id "aa" - did you mean "a"?'],
    },
    'a step with a dash that CEL takes for minus': {
      text: `steps:\n  - {id: my-a, run: x}\n  - {id: b, needs: my-a, run: x, if: steps.my.state == 'failed'}\n`,
      want: [
        'p.yaml:3:38 error: steps[1].if: no step has the id "my" - did you mean "steps[\'my-a\']"?',
      ],
    },
    'a step that is not needed': {
      text: `${a}  - {id: b, run: x}\n  - {id: c, needs: b, run: [x, "\${{ steps.a.outputs.n }}"]}\n`,
      want: [
        'p.yaml:4:37 error: steps[2].run[1]: the step "a" may not have ended: this step does not need it; expected `needs: [a]`',
      ],
    },
    'the step itself': {
      text: 'steps:\n  - {id: a, run: [x, "${{ steps.a.outputs.n }}"]}\n',
      want: [
        'p.yaml:2:27 error: steps[0].run[1]: the step "a" may not have ended: it is this step itself; expected `needs: [a]`',
      ],
    },
    'a part that a step has not': {
      text: `${a}  - {id: b, needs: a, run: [x, "\${{ steps.a.output.n }}"]}\n`,
      want: [
        'p.yaml:3:37 error: steps[1].run[1]: a step has no "output"; expected state, outputs, tasks - did you mean "outputs"?',
      ],
    },
    'no step by name': {
      text: `${a}  - {id: b, needs: a, run: x, if: "steps.all(s, true)"}\n`,
      want: [
        'p.yaml:3:36 error: steps[1].if: which step is meant is not written; expected `steps.ID` with its id',
      ],
    },
    'a group that is not needed': {
      text: "steps:\n  - {id: p, parallel: {tasks: [{run: x}, {run: y}]}}\n  - {id: b, needs: p, run: x, if: \"steps.p.state == 'failed' && steps.p_1.state == 'failed'\"}\n  - {id: c, needs: b, run: x, if: \"steps.p.state == 'failed'\"}\n",
      want: [
        'p.yaml:4:36 error: steps[2].if: the step "p" may not have ended: this step does not need it; expected `needs: [p]`',
      ],
    },
    'an item where there are none': {
      text: 'steps:\n  - {id: a, run: [x, "${{ item }}"]}\n  - {id: b, run: [x, "${{ matrix.a }}"], each: [1]}\n',
      want: [
        'p.yaml:2:27 error: steps[0].run[1]: `item` is of a task, and known only to those that `each` makes; expected `each` in this step, and `item` in its `env`, `with` or list of `run`',
        'p.yaml:3:27 error: steps[1].run[1]: `matrix` is of a task, and known only to those that `matrix` makes; expected `matrix` in this step, and `matrix` in its `env`, `with` or list of `run`',
      ],
    },
    'a condition that is no expression': {
      text: `${a}  - {id: b, needs: a, run: x, if: "failed('a')"}\n`,
      want: [
        "p.yaml:3:36 error: steps[1].if: not an expression in CEL: found no matching overload for 'failed(string)'; expected the state of a step: `steps.ID.state == 'succeeded'`",
      ],
    },
    'text beside a condition': {
      text: `${a}  - {id: b, run: x, if: "\${{ vars.a }} && true"}\n`,
      want: [
        'p.yaml:3:25 error: steps[1].if: text beside the hole: the whole is one expression; expected CEL, with or without `${{ }}` around all of it',
      ],
    },
    'an unknown name': {
      text: `${a}  - {id: b, run: x, if: "step.a.state == 'x'"}\n`,
      want: [
        'p.yaml:3:26 error: steps[1].if: an expression has no variable "step"; expected vars, steps, item, index, matrix - did you mean "steps"?',
      ],
    },
    'a list of variables that is none': {
      text: 'vars: {n: 3}\nrun: [x]\neach: vars.n\n',
      want: [
        'p.yaml:3:7 error: each: the expression gives no list; expected an expression that gives a list',
      ],
    },
    'two ways to say which tasks there are': {
      text: 'run: [x]\neach: [1]\nmatrix: {a: [1]}\ncount: 3\n',
      want: [
        'p.yaml:2:1 error: each: `matrix` is given, too, and both say which tasks there are',
        'p.yaml:3:1 error: matrix: `count` is given, too, and both say how many tasks there are',
      ],
    },
    'a matrix of nothing, and too large a one': {
      text: `steps:\n  - {id: a, run: x, matrix: {}}\n  - id: b\n    run: x\n    matrix: {a: &l [${'1, '.repeat(200)}1], b: *l, c: [1, 2, 3]}\n  - {id: c, run: x, matrix: {a: [1], exclude: [{b: 1}, {a: 1}]}}\n`,
      want: [
        'p.yaml:2:29 error: steps[0].matrix: the matrix is empty; expected lists by name',
        'p.yaml:5:13 error: steps[1].matrix: the matrix has 121203 combinations; expected at most 10000',
        'p.yaml:6:29 error: steps[2].matrix: nothing of the matrix is left; expected a combination',
        'p.yaml:6:49 error: steps[2].matrix.exclude[0].b: the matrix has no list "b"',
      ],
    },
    'a gang of who knows how many': {
      text: `${a}  - {id: b, needs: a, run: x, gang: true, each: steps.a.outputs.l}\n`,
      want: [
        'p.yaml:3:49 error: steps[1].each: how many they are is known only when it runs, and a gang needs to know; expected a written list, or no `gang`',
      ],
    },
    'what cannot be together with different tasks': {
      text: 'steps:\n  - id: a\n    count: 3\n    parallel: {count: 2, tasks: [{run: x}, {run: y}]}\n  - {id: a_1, run: x}\n',
      want: [
        'p.yaml:3:5 error: steps[0].count: cannot be together with `parallel.tasks`, which are different tasks',
        'p.yaml:4:16 error: steps[0].parallel.count: cannot be together with `tasks`: each of them has its own `count`',
        'p.yaml:4:44 error: steps[0].parallel.tasks[1]: another step has the id "a_1" already',
      ],
    },
    'a service that is many other things': {
      text: 'run: x\nservice: {}\neach: [1]\ncache: true\n',
      want: [
        'p.yaml:3:1 error: each: not for a service, which has replicas',
        'p.yaml:4:1 error: cache: not for a service, which has replicas',
      ],
    },
    'a cache that leaves its folder': {
      text: 'run: x\ncache: {artefacts: [../x], outputs: [y], ttl: 0}\n',
      want: ['p.yaml:2:47 error: cache.ttl: "0" is nothing; expected more than 0'],
    },
    'a cache that says one thing twice': {
      text: 'run: x\ncache: {artefacts: [../x], outputs: [y]}\n',
      want: [
        'p.yaml:2:21 error: cache.artefacts[0]: "../x" leaves the working folder; expected a path without ..',
        'p.yaml:2:28 error: cache.outputs: `artefacts` is given, too, and they are the same thing',
      ],
    },
    'a step beyond what all may have': {
      text: 'pipeline: {resource_limits: {max_cpu: 2, max_concurrent_tasks: 2}}\nsteps:\n  - {id: a, run: x, resources: {cpu: 3}}\n  - {id: b, run: x, count: 3, gang: true, resources: {cpu: 0.5}}\n',
      want: [
        'p.yaml:3:5 error: steps[0]: a task of this step asks for 3 of CPU, more than the 2 of the workload as a whole',
        'p.yaml:4:5 error: steps[1]: 3 tasks of this step that start together ask for 3 of tasks, more than the 2 at once of the workload as a whole',
      ],
    },
    'caching off and on': {
      text: 'run: x\noptimization: {caching: {enabled: false}, cache_strategy: aggressive}\n',
      want: [
        'p.yaml:2:35 error: optimization.caching.enabled: is off here, and asked for by another key of this document',
      ],
    },
    'two classes of one kind': {
      text: 'class: gold\nrun: x\nresource_requirements: {class: silver}\n',
      want: [
        'p.yaml:3:32 error: resource_requirements.class: says silver, but `class` says gold: two priority classes',
      ],
    },
    'two classes of service': {
      text: 'class: burstable\nrun: x\nresource_requirements: {class: guaranteed}\n',
      want: [
        'p.yaml:3:32 error: resource_requirements.class: says guaranteed, but `class` says burstable: two classes of service',
      ],
    },
    'a class of service that is misspelt': {
      text: 'run: x\nresource_requirements: {class: garanteed}\n',
      want: [
        'p.yaml:2:32 warning: resource_requirements.class: `garanteed` is taken as a priority class of the site: it is none of best-effort, burstable, guaranteed - did you mean "guaranteed"?',
      ],
    },
    'blocks with wrong values': {
      text: 'run: x\npipeline: {resource_limits: {max_cpu: -1, max_retires: 3}}\nresource_requirements: {class: "go ld", compute: {memory: 4}}\noptimization: {scheduling: {preferred_hours: "25:00-06:00"}, parallel_tasks: 0}\ncost_optimization: {strategies: {model_selection: {quality_threshold: 1.5}}}\n',
      want: [
        'p.yaml:2:39 error: pipeline.resource_limits.max_cpu: "-1" is below the range; expected 0 to 1000000 cores',
        'p.yaml:2:43 error: pipeline.resource_limits.max_retires: unknown key "max_retires" - did you mean "max_retries"?',
        'p.yaml:3:32 error: resource_requirements.class: "go ld" cannot be used here; expected a name of letters, digits, _ . and -, beginning with a letter or digit, at most 63',
        'p.yaml:4:46 error: optimization.scheduling.preferred_hours: "25:00" is not a time of day; expected `off_peak`, `any`, hours such as 22:00-06:00',
        'p.yaml:4:78 error: optimization.parallel_tasks: 0 is out of range; expected at least 1',
        'p.yaml:5:71 error: cost_optimization.strategies.model_selection.quality_threshold: a part of at most 1',
      ],
    },
  };
  for (const [name, { text, want, options }] of Object.entries(cases)) {
    test(name, () => assert.deepEqual(reported(text, options), want));
  }
});

test('what is read and not acted on yet is told, key by key', () => {
  const text =
    'run: x\nresource_requirements: {use_spot_instances: true, storage: {workspace: 1Gi, cache: 1Gi}, compute: {gpu: 2}, cost_controls: {max_hourly_cost: 10, model_selection: cost_optimized}}\noptimization: {gpu_scheduling: exclusive, batching: {enabled: true, wait_time: 60, max_batch: 1000}, scheduling: {preferred_hours: off_peak, max_wait_time: 3600}}\ncost_optimization: {strategies: {model_selection: {enabled: true}, batching: {enabled: true}, resource_packing: {enabled: true, bin_packing_algorithm: first_fit_decreasing}}}\npipeline: {resource_limits: {cost_limits: {max_cost: 1, max_tokens: 1, max_model_calls: 1}}}\n';
  const keys = reported(text).map((line) => /warning: (\S+): /.exec(line)?.[1]);
  assert.deepEqual(
    keys.sort(),
    [
      'resource_requirements.storage.cache',
      'resource_requirements.cost_controls.model_selection',
      'cost_optimization.strategies.model_selection',
      'cost_optimization.strategies.resource_packing',
    ].sort(),
  );
});
