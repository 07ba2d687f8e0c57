import { beforeAll, describe, expect, it } from 'vitest';
import {
  clusters,
  ddclProcess,
  npy,
  testFolder,
  withModule,
  withoutModule,
  withoutOrt,
  type Ended,
} from './support.ts';

const folder = testFolder();
const fit = (out: string, ...more: string[]): string[] => [
  ...`fit ${folder.at('tokens.npy')} --backend auto --prototypes 3 --epochs 30 --json --out`.split(' '),
  folder.at(out),
  ...more,
];
const backendOf = ({ stdout }: Ended): string => (JSON.parse(stdout) as { backend: string }).backend;

let ended: Record<'there' | 'missing' | 'broken' | 'precise', Ended>;
beforeAll(async () => {
  folder.write('tokens.npy', npy([200, 4], 'float32', clusters(200, 4, 3).flat));
  const broken = withoutModule(folder, 'onnxruntime-node', 'ERR_DLOPEN_FAILED', 'invalid ELF header');
  ended = {
    there: await ddclProcess(fit('there')),
    missing: await ddclProcess(fit('missing'), { env: withoutOrt(folder) }),
    broken: await ddclProcess(fit('broken'), { env: broken }),
    precise: await ddclProcess(fit('precise', '--dtype', 'float64')),
  };
});

describe('--backend auto', () => {
  it('says on one line of stderr what it took, and the results say it too', () => {
    expect(Object.values(ended).map(({ status }) => status)).toEqual([0, 0, 0, 0]);
    const { there, missing, broken, precise } = ended;
    expect(there.stderr).toBe('backend ort: ONNX Runtime, all cores\n');
    expect(missing.stderr).toBe('backend cpu, one thread: onnxruntime-node is not installed\n');
    expect(broken.stderr).toMatch(
      /^backend cpu, one thread: onnxruntime-node cannot be loaded: invalid ELF header[^\n]*\n$/,
    );
    expect(precise.stderr).toBe('backend cpu, one thread: ort has no float64\n');
    expect(Object.values(ended).map(backendOf)).toEqual(['ort cpu', 'cpu', 'cpu', 'cpu']);
    expect(folder.json('there/config.json')).toMatchObject({
      fit: { backend: 'ort cpu' },
      identity: { backend: 'ort cpu' },
      measures: { backend: 'ort cpu' },
    });
    expect(folder.read('missing/report.html').toString()).toContain('on the cpu backend');
  });

  it.each([
    ['a string', "throw 'no licence\\nfor it';", 'cannot be loaded: no licence. Install it again'],
    ['null', 'throw null;', 'cannot be loaded: null. Install it again'],
    ['nothing of use, and talks', "console.log('telemetry on'); process.stdout.write('hello\\n'); export {};", ''],
  ])(
    'takes cpu where onnxruntime-node gives %s, with nothing but the result on stdout',
    async (name, source, reason) => {
      const env = withModule(folder, 'onnxruntime-node', name.replaceAll(' ', '-'), source);
      const odd = await ddclProcess(fit(name.replaceAll(' ', '-')), { env });
      expect(odd.status).toBe(0);
      expect(backendOf(odd)).toBe('cpu');
      expect(odd.stderr).toContain(`backend cpu, one thread: ${reason === '' ? '' : `onnxruntime-node ${reason}`}`);
      if (reason === '') expect(odd.stderr).toContain('telemetry on\nhello\n');
    },
  );

  it('names the earlier backend where a resume would take another', async () => {
    const { status, stderr } = await ddclProcess(fit('missing', '--resume'));
    expect(status).toBe(2);
    expect(stderr).toContain(
      'backend was cpu, is ort cpu. --backend auto takes ort now; name the earlier one: --backend cpu.',
    );
    const named = fit('missing', '--resume').map((word) => (word === 'auto' ? 'cpu' : word));
    expect((await ddclProcess(named)).status).toBe(0);
  });
});
