import { describe, expect, it } from 'vitest';
import type { Backend } from '../../src/backend/contract.ts';
import type { Kernel, KernelBackendOptions, KernelTable } from '../../src/backend/kernels.ts';
import { primitiveOps } from '../../src/program/infer/infer.ts';
import { referenceKernels, type RefTensor } from '../support/reference.ts';
import { strictBackend, strictOptions } from '../support/strict-backend.ts';

/** `tsc -p tsconfig.test.json` checks these lines: an expected error that does not happen is an error. */
describe('a kernel table', () => {
  it('without one of the primitives does not compile', () => {
    const { segmentSum: _, ...rest } = referenceKernels;
    // @ts-expect-error segmentSum is missing
    const table: KernelTable<RefTensor> = rest;
    const { options } = strictOptions();
    // @ts-expect-error and so it is for a whole backend
    const backend: KernelBackendOptions<RefTensor> = { ...options, kernels: rest };
    expect(Object.keys(table)).toHaveLength(primitiveOps.length - 1);
    expect(backend.kernels).toBe(rest);
  });

  it('with a kernel for what is no primitive does not compile', () => {
    // @ts-expect-error there is no softmax among the primitives
    const table: KernelTable<RefTensor> = { ...referenceKernels, softmax: referenceKernels.exp };
    expect(Object.keys(table)).toHaveLength(primitiveOps.length + 1);
  });

  it('gives each kernel its own attributes', () => {
    const kernel: Kernel<RefTensor, { readonly axis: number }> = ([x]) => x!;
    const table: Pick<KernelTable<RefTensor>, 'argMax' | 'concat'> = { argMax: kernel, concat: kernel };
    // @ts-expect-error matmul has no axis
    const wrong: Pick<KernelTable<RefTensor>, 'matmul'> = { matmul: kernel };
    expect([table.argMax, wrong.matmul]).toEqual([kernel, kernel]);
  });

  it('holds every primitive at run time too', () => {
    expect(Object.keys(referenceKernels).sort()).toEqual([...primitiveOps].sort());
  });
});

describe('a backend', () => {
  it('is a plain object: whatever has the members is one', () => {
    const made = strictBackend();
    const structural: Backend = { ...made, name: 'wrapped' };
    expect(structural.contract).toBe(1);
    // @ts-expect-error a backend of another contract is none
    const future: Backend = { ...made, contract: 2 };
    expect(future.contract).toBe(2);
  });
});
