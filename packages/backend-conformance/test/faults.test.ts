import { describe, expect, it } from 'vitest';
import { runConformance } from '../src/index.ts';
import { compositeFaults } from './support/composite-faults.ts';
import { contractFaults } from './support/contract-faults.ts';
import type { Fault } from './support/fault.ts';
import { kernelFaults } from './support/kernel-faults.ts';
import { runFaults } from './support/run-faults.ts';

/** What fails in the group that must find the fault. */
async function failures({ make, caughtBy, op, options }: Fault): Promise<readonly { id: string; message: string }[]> {
  const outcomes = await runConformance(make, {
    ...options,
    only: (each) => each.group === caughtBy && (op === undefined || each.op === op),
  });
  return outcomes.flatMap(({ id, status, message }) => (status === 'failed' ? [{ id, message: message! }] : []));
}

const faults = Object.entries({ ...kernelFaults, ...compositeFaults, ...contractFaults, ...runFaults });

describe('a backend with one fault', () => {
  it('comes in at least 20 kinds', () => {
    expect(faults.length).toBeGreaterThanOrEqual(20);
  });

  it.each(faults)('%s', async (_name, fault) => {
    const found = await failures(fault);
    expect(found.length, `nothing fails in ${fault.caughtBy}`).toBeGreaterThan(0);
    const messages = found.map(({ id, message }) => `${id}: ${message}`);
    expect(
      messages.some((message) => fault.says.test(message)),
      messages.slice(0, 5).join('\n'),
    ).toBe(true);
  });
});
