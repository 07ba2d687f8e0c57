import { describe, expect, it } from 'vitest';
import { ddclProcess, testFolder } from './support.ts';
import { webgpuCheck } from './webgpu-support.ts';

const folder = testFolder();
const check = await webgpuCheck();

describe('ddcl --backend webgpu', () => {
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
