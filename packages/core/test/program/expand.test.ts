import { describe, expect, it } from 'vitest';
import { gelu } from '../../src/composite/gelu.ts';
import { softmax } from '../../src/composite/softmax.ts';
import { composite } from '../../src/program/composite.ts';
import { expandComposites } from '../../src/program/expand.ts';
import { equalPrograms } from '../../src/program/key.ts';
import { add, exp, mul } from '../../src/program/ops/elementwise.ts';
import type { Program } from '../../src/program/program.ts';
import { f64 } from '../../src/program/tensor-type.ts';
import { trace, type Tensor } from '../../src/program/trace.ts';
import { randomValue, relativeError, run } from '../support/run.ts';

const outer = (x: Tensor): readonly Tensor[] =>
  composite({ name: 'outer/1', decomposition: (input) => [gelu(softmax(input!)), exp(input!)] }, [x]);
const program = trace([f64(2, 3)], (x) => {
  const [a, b] = outer(x);
  return [mul(a!, gelu(b!)), softmax(x)];
});

function names(of: Program): string[] {
  return of.instructions.map((instruction) => (instruction.op === 'composite' ? instruction.name : instruction.op));
}

describe('expandComposites', () => {
  it('goes all the way down', async () => {
    const expanded = expandComposites(program);
    expect(names(expanded).filter((name) => name.includes('/'))).toEqual([]);
    expect(await run(expanded, [randomValue(f64(2, 3), 1)])).toEqual(await run(program, [randomValue(f64(2, 3), 1)]));
    expect(equalPrograms(expandComposites(expanded), expanded)).toBe(true);
  });

  it('leaves kept names in place, also inside others', () => {
    expect(names(expandComposites(program, ['outer/1']))).toContain('outer/1');
    const inner = names(expandComposites(program, ['softmax/1']));
    // The softmax inside of outer is that of the results, and stands once.
    expect(inner.filter((name) => name.includes('/'))).toEqual(['softmax/1']);
    expect(names(expandComposites(program, ['softmax/2', 'softmax'])).filter((name) => name.includes('/'))).toEqual([]);
    expect(equalPrograms(expandComposites(program, ['outer/1', 'softmax/1', 'gelu/1']), program)).toBe(true);
  });

  it('drops outputs that nothing needs', () => {
    const half = trace([f64(2, 3)], (x) => [outer(x)[1]!]);
    expect(names(expandComposites(half))).toEqual(['exp']);
  });

  it('takes a composite that returns its operand', async () => {
    const same = trace([f64(2)], (x) => [
      add(composite({ name: 'same/1', decomposition: (input) => [input!] }, [x])[0]!, 1),
    ]);
    expect(await run(same, [randomValue(f64(2), 3)])).toEqual([
      Array.from(randomValue(f64(2), 3).data, (each) => each + 1),
    ]);
  });
});

describe('a program', () => {
  it('is plain data: a clone is equal and runs', async () => {
    const clone = structuredClone(program);
    expect(clone).not.toBe(program);
    expect(clone).toEqual(program);
    expect(equalPrograms(clone, program)).toBe(true);
    const inputs = [randomValue(f64(2, 3), 2)];
    const [expected, actual] = [await run(program, inputs), await run(clone, inputs)];
    expect(relativeError(actual[0]!, expected[0]!)).toBe(0);
  });
});
