import { describe, expect, it } from 'vitest';
import { ddclProcess, succeed, testFolder } from './support.ts';

const folder = testFolder();

describe('ddcl --backend tfjs', () => {
  it('fits the demo as the CPU backend does', async () => {
    type Measures = { backend: string; loss: Record<'lq' | 'hard', number>; labels: { acc: number } };
    const demo = ['demo', '--objects', '200', '--json'];
    const own = [...demo, '--backend', 'tfjs:wasm', '--out', folder.at('tfjs')];
    const found = JSON.parse(await succeed(own)) as Measures;
    const cpu = JSON.parse(await succeed([...demo, '--out', folder.at('cpu')])) as Measures;
    expect(found.backend).toBe('tfjs:wasm');
    for (const name of ['lq', 'hard'] as const) {
      // Final losses of the same seed in float32, whose sums are in another order.
      expect(Math.abs(found.loss[name] / cpu.loss[name] - 1)).toBeLessThan(1e-3);
    }
  });

  it('is known to doctor', async () => {
    // In a process of its own: other backends write past process.stderr where they find no device.
    const { stdout } = await ddclProcess(['doctor', '--json']);
    const { backends } = JSON.parse(stdout) as {
      backends: { name: string; runs: boolean; detail: string }[];
    };
    const check = backends.find(({ name }) => name === 'tfjs');
    expect([check?.runs, check?.detail]).toEqual([true, 'float32, int32; deterministic; buffers of up to 512 MiB']);
  });

  it('says what is missing, and refuses what there is not', async () => {
    const missing = await ddclProcess(['demo', '--backend', 'tfjs:node', '--out', folder.at('none')]);
    expect([missing.status === 0, missing.stdout]).toEqual([false, '']);
    expect(missing.stderr).toMatch(/node: @tensorflow\/tfjs-node is not installed: npm install @tensorflow\/tfjs-node/);
    const native = await ddclProcess(['demo', '--backend', 'tfjs:tensorflow', '--out', folder.at('none')]);
    expect(native.stderr).toMatch(/node-gpu: .*not installed.*node: .*not installed/s);
    const unknown = await ddclProcess(['demo', '--backend', 'tfjs:cuda', '--out', folder.at('none')]);
    expect(unknown.stderr).toMatch(/no tfjs 'cuda'.*node-gpu, node, webgpu, wasm, cpu/);
  });
});
