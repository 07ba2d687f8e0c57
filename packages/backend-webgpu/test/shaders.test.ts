import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { f32, mul, softmax, trace } from '@ddcl/core';
import { afterEach, describe, expect, it } from 'vitest';
import { DeviceState } from '../src/device/device-state.ts';
import { Pipelines } from '../src/run/pipelines.ts';
import { hasAdapter, makeBackend, makeDevice } from './support.ts';

const program = trace([f32('n', 5)], (x) => [softmax(mul(x, 2))], 'softmax');

describe.runIf(hasAdapter)('kernels', () => {
  afterEach(() => {
    delete process.env['DDCL_DUMP_WGSL'];
  });

  it('can be looked at', async () => {
    const heard = new Map<string, string>();
    const backend = await makeBackend({ onShader: (name, wgsl) => heard.set(name, wgsl) });
    const executable = await backend.compile(program);
    await executable.run([backend.upload({ dtype: 'float32', shape: [2, 5] }, new Float32Array(10))]);
    expect([...heard.keys()]).toEqual(['softmax']);
    expect(heard.get('softmax')).toMatch(/^\/\/ softmax: along axis 1 of \[n, 5\]/);
    backend.dispose();
  });

  it('are written to the folder that DDCL_DUMP_WGSL names', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'ddcl-wgsl-'));
    process.env['DDCL_DUMP_WGSL'] = join(folder, 'kernels');
    try {
      for (let time = 0; time < 2; time++) {
        const backend = await makeBackend();
        await backend.compile(trace([f32(3, 5)], (x) => [softmax(x)]));
        backend.dispose();
      }
      const files = readdirSync(join(folder, 'kernels'));
      expect(files).toEqual([expect.stringMatching(/^softmax-[0-9a-f]{8}\.wgsl$/)]);
      expect(readFileSync(join(folder, 'kernels', files[0]!), 'utf8')).toContain('fn main(');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('that do not compile are told with the line', async () => {
    const device = await makeDevice();
    const pipelines = new Pipelines(new DeviceState('test', { device, isBorrowed: false, description: 'test' }));
    const code = '// broken: by a test\n@compute @workgroup_size(1) fn main() {\n  let x = 1 + true;\n}';
    const broken = { label: 'broken', code, bindings: [], sizes: undefined, groups: 1, flops: 0, bytes: 0 };
    const compiling = pipelines.compile([broken]);
    await expect(compiling).rejects.toMatchObject({ code: 'internal' });
    await expect(compiling).rejects.toThrow(
      /\(\/\/ broken: by a test\) does not compile:\n {2}line 3: [^]*\n {4} {2}let x = 1 \+ true;/,
    );
    device.destroy();
  });
});
