import assert from 'node:assert/strict';
import type { WorkloadId } from '../../src/model/ids.ts';
import type { WorkloadSpec } from '../../src/model/workload.ts';
import { parseDocument } from '../../src/spec/parse-document.ts';
import { Site } from './site.ts';
import { schedulingOf } from './site-text.ts';
import type { node } from './workload.ts';

/** A document that must be right. */
export function specOf(text: string): WorkloadSpec {
  const parsed = parseDocument(text, { fileName: 'job.yaml' });
  if (!parsed.ok) assert.fail(JSON.stringify(parsed.issues));
  return parsed.spec;
}

/** An engine as a site document has it, to which documents are submitted, with a hand on the clock. */
export class DocumentSite extends Site {
  #submitted = 0;

  constructor(siteText: string, ...nodes: ReturnType<typeof node>[]) {
    super(schedulingOf(siteText), ...nodes);
  }

  /** The number of the workload. */
  add(document: string): number {
    assert.equal(this.submitSpec(specOf(document)), undefined);
    return ++this.#submitted;
  }

  /** Submitted, and one pass: what was placed. */
  start(document: string): readonly string[] {
    this.add(document);
    return this.pass();
  }

  refusal(document: string) {
    return this.submitSpec(specOf(document));
  }

  spec(workload: number): WorkloadSpec {
    return this.engine.state.workload(String(workload) as WorkloadId)!.spec;
  }

  /** Attempts that were told to stop, so far. */
  get stopped(): readonly string[] {
    return this.journal.flatMap((event) => (event.kind === 'stop-ordered' ? [event.attempt] : []));
  }

  /** What was told to stop has stopped; then one pass. */
  settle(): readonly string[] {
    for (const id of this.running.keys()) {
      if (this.stopped.includes(id)) this.end(id, 'preempted');
    }
    return this.pass();
  }
}
