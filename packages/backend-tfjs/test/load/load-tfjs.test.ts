import { describe, expect, it } from 'vitest';
import { loadTfjs, tfjsBackend, type TfjsName } from '../../src/index.ts';

/** Errors as Node and tfjs-node 4.22 write them. */
const errors: Readonly<Record<string, Error>> = {
  '@tensorflow/tfjs-node-gpu': Object.assign(
    new Error('libcudart.so.11.0: cannot open shared object file: No such file or directory'),
    { code: 'ERR_DLOPEN_FAILED' },
  ),
  '@tensorflow/tfjs-node': new Error(
    "The Node.js native addon module (tfjs_binding.node) can not be found at path: /x/lib/napi-v8/tfjs_binding.node. \nPlease run command 'npm rebuild @tensorflow/tfjs-node --build-addon-from-source'",
  ),
  '@tensorflow/tfjs-backend-webgpu': Object.assign(
    new Error("Cannot find package '@tensorflow/tfjs-backend-webgpu' imported from /x/load-tfjs.js"),
    { code: 'ERR_MODULE_NOT_FOUND' },
  ),
};

const importModule = async (name: string): Promise<unknown> => {
  if (errors[name] !== undefined) throw errors[name];
  return import(name);
};

describe('loadTfjs', () => {
  it('takes the first of the list that runs, and says of the others why not and what to do', async () => {
    const { tf, name, refused } = await loadTfjs(['node-gpu', 'node', 'webgpu', 'wasm', 'cpu'], { importModule });
    expect(name).toBe('wasm');
    expect(tf.getBackend()).toBe('wasm');
    expect(refused.map((each) => each.name)).toEqual(['node-gpu', 'node', 'webgpu']);
    expect(refused[0]!.reason).toMatch(/CUDA is missing \(libcudart.so.11.0\).*LD_LIBRARY_PATH/);
    expect(refused[1]!.reason).toMatch(/libtensorflow is missing.*npm rebuild @tensorflow\/tfjs-node/);
    expect(refused[2]!.reason).toMatch(
      /webgpu is not installed: npm install @tensorflow\/tfjs-core @tensorflow\/tfjs-backend-webgpu/,
    );
    const backend = await tfjsBackend({ tf });
    expect(backend.name).toBe('tfjs:wasm');
    backend.dispose();
  });

  it('imports from this package by default', async () => {
    const { tf } = await loadTfjs(['cpu']);
    expect(tf.getBackend()).toBe('cpu');
  });

  it('says all reasons where nothing runs', async () => {
    await expect(loadTfjs(['node', 'webgpu'], { importModule })).rejects.toMatchObject({
      code: 'unsupported',
      message: expect.stringMatching(/\n {2}node: its libtensorflow.*\n {2}webgpu: .*not installed/s) as string,
    });
  });

  it('does not take a tensorflow without CUDA for a card', async () => {
    const onProcessor = async (): Promise<unknown> => ({
      ...(await import('@tensorflow/tfjs-core')),
      setBackend: async () => true,
      backend: () => ({ isUsingGpuDevice: false }),
    });
    await expect(loadTfjs(['node-gpu'], { importModule: onProcessor })).rejects.toThrow(/no CUDA device.*nvidia-smi/);
  });

  it('refuses a list that names nothing it knows', async () => {
    await expect(loadTfjs([])).rejects.toThrow(/an empty one/);
    await expect(loadTfjs(['cuda' as TfjsName])).rejects.toThrow(/takes a list of node-gpu.*got cuda/);
  });
});
