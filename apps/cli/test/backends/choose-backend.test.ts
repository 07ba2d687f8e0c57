import { DdclError, type FloatDType } from '@ddcl/core';
import { cpuBackend } from '@ddcl/backend-cpu';
import type { Backend } from '@ddcl/core/backend';
import { describe, expect, it } from 'vitest';
import { optionOfBackend } from '../../src/backends/backends.ts';
import { chooseBackend, describeChoice, type ChosenBackend } from '../../src/backends/choose-backend.ts';

/** The cpu backend, with ort's name and dtypes or with an error in its place. */
const starting =
  (error?: Error) =>
  async (name: string): Promise<Backend> => {
    const cpu = cpuBackend();
    if (name === 'cpu') return cpu;
    if (error !== undefined) throw error;
    return { ...cpu, name: 'ort cpu', capabilities: { ...cpu.capabilities, dtypes: ['float32', 'int32', 'float16'] } };
  };
const failing = (message: string, code?: string): Error =>
  new DdclError('unsupported', message, { cause: Object.assign(new Error(message), { code }) });

const choose = (name: string, error?: Error, dtype: FloatDType = 'float32'): Promise<ChosenBackend> =>
  chooseBackend(name, dtype, starting(error));

describe('chooseBackend', () => {
  it('takes ort where it starts', async () => {
    const chosen = await choose('auto');
    expect([chosen.name, chosen.backend.name]).toEqual(['ort', 'ort cpu']);
    expect(describeChoice(chosen, 1e12)).toBe('backend ort: ONNX Runtime, all cores');
  });

  it('takes cpu where onnxruntime-node is not installed, and says what to install where that matters', async () => {
    const chosen = await choose('auto', failing("Cannot find package 'onnxruntime-node'", 'ERR_MODULE_NOT_FOUND'));
    expect([chosen.name, chosen.backend.name]).toEqual(['cpu', 'cpu']);
    expect(describeChoice(chosen, 1e6)).toBe('backend cpu, one thread: onnxruntime-node is not installed');
    const wide = describeChoice(chosen, 1e12);
    expect(wide).toContain('npm install onnxruntime-node');
    expect(wide).toContain('npx -p onnxruntime-node -p @ddcl/cli ddcl');
  });

  it.each([
    ['cannot be loaded', failing('onnxruntime-node cannot be loaded: wrong ELF class', 'ERR_DLOPEN_FAILED')],
    ['lacks its native part', failing("Cannot find module '../bin/onnxruntime_binding.node'", 'MODULE_NOT_FOUND')],
    ['makes no session', failing("The execution provider 'cpu' (of cpu) cannot start here:\n no memory")],
    ['throws what it likes', new TypeError('InferenceSession is undefined')],
  ])('takes cpu where onnxruntime-node %s, with the reason on one line', async (_, error) => {
    const chosen = await choose('auto', error);
    expect(chosen.name).toBe('cpu');
    const line = describeChoice(chosen, 1e12)!;
    expect(line).toContain(error.message.replace('\n', ''));
    expect(line).not.toContain('\n');
    // It is installed: what would help is another thing.
    expect(line).not.toContain('npm install');
  });

  it('takes cpu for float64 without trying ort', async () => {
    const chosen = await choose('auto', new Error('tried'), 'float64');
    expect(describeChoice(chosen, 1e12)).toBe('backend cpu, one thread: ort has no float64');
  });

  it('exchanges nothing that was named, and is quiet then', async () => {
    const error = failing('not there', 'ERR_MODULE_NOT_FOUND');
    await expect(choose('ort', error)).rejects.toBe(error);
    await expect(choose('ort', undefined, 'float64')).rejects.toThrow('no float64');
    expect(describeChoice(await choose('cpu', error), 1e12)).toBeUndefined();
  });
});

it('optionOfBackend names a backend as --backend takes it', () => {
  expect(['cpu', 'ort cpu', 'ort cuda+cpu'].map(optionOfBackend)).toEqual(['cpu', 'ort', 'ort:cuda,cpu']);
});
