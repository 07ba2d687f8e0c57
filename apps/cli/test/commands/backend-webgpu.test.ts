import { describe, expect, it } from 'vitest';
import { ddclProcess, succeed, testFolder } from './support.ts';
import { onSoftware, webgpuCheck } from './webgpu-support.ts';

const folder = testFolder();
const check = await webgpuCheck();

describe('ddcl --backend webgpu', () => {
  it.runIf(check.runs)('fits the demo as the CPU backend does, on a device as users have it', async () => {
    type Measures = { backend: string; loss: Record<'lq' | 'hard', number>; labels: { acc: number } };
    const demo = ['demo', '--objects', '400', '--json'];
    const own = [...demo, '--backend', 'webgpu', '--out', folder.at('webgpu')];
    const found = JSON.parse(await onSoftware(own)) as Measures;
    const cpu = JSON.parse(await succeed([...demo, '--out', folder.at('cpu')])) as Measures;
    expect(found.backend).toMatch(/^webgpu \(.+\)$/);
    expect(found.labels.acc).toBe(1);
    for (const name of ['lq', 'hard'] as const) {
      // Final losses of the same seed in float32, whose sums are in another order.
      expect(Math.abs(found.loss[name] / cpu.loss[name] - 1)).toBeLessThan(1e-3);
    }
  });

  it.runIf(check.runs)('is known to doctor, with adapter and limits', () => {
    expect(check.detail).toMatch(/^webgpu \(.+\): float32, int32.*; deterministic; buffers of up to \d+ MiB$/);
  });

  it('says what was tried where there is no adapter', async () => {
    const env = { VK_ICD_FILENAMES: folder.at('none.json') };
    const out = folder.at('nothing');
    const { status, stdout, stderr } = await ddclProcess(['demo', '--backend', 'webgpu', '--out', out], { env });
    expect([status === 0, stdout]).toEqual([false, '']);
    expect(stderr).toMatch(/it found no adapter\..*VK_ICD_FILENAMES/s);
  });
});
