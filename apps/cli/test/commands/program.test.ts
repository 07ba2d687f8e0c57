import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { clusters, ddcl, ddclProcess, npy, program, succeed, testFolder, withoutOrt } from './support.ts';

const folder = testFolder();
const names = ['fit', 'measure', 'encode', 'export', 'inspect', 'doctor', 'demo'];

describe('help', () => {
  it('names every command and every option of the documentation', async () => {
    const [general, ...each] = await Promise.all([succeed([]), ...names.map((name) => succeed([name, '--help']))]);
    for (const name of names) expect(general).toMatch(new RegExp(`^  ${name} `, 'm'));
    const [fit, measure, encode, exporting] = each;
    const fitOptions =
      'prototypes out temperature anneal no-anneal restarts epochs batch learning-rate columns standardize normalize dtype labels backend seed resume json';
    for (const option of fitOptions.split(' ')) expect(fit).toContain(`--${option}`);
    for (const option of 'prototypes temperature weights backend json'.split(' '))
      expect(measure).toContain(`--${option}`);
    for (const option of 'outputs segments out backend'.split(' ')) expect(encode).toContain(`--${option}`);
    for (const option of 'onnx outputs temperature fused append-to encoder-output mask json'.split(' '))
      expect(exporting).toContain(`--${option}`);
    for (const text of each) expect(text).toContain('Example');
  });

  it('--version', async () => {
    const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
      version: string;
    };
    expect(await succeed(['--version'])).toBe(`${version}\n`);
  });
});

describe('ddcl doctor', () => {
  /** Drivers that WebGPU finds, or not, may write to stderr past the process. */
  const doctor = async (...args: string[]): Promise<string> => {
    const { status, stdout } = await ddclProcess(['doctor', ...args]);
    expect(status).toBe(0);
    return stdout;
  };

  it('says which backends run', async () => {
    expect(await doctor()).toMatch(/^cpu +runs: /m);
    const { backends, auto } = JSON.parse(await doctor('--json')) as { backends: object[]; auto: object };
    expect(auto).toEqual({ takes: 'ort', reason: null });
    expect(backends).toContainEqual(expect.objectContaining({ name: 'cpu', runs: true }));
    expect(backends).toContainEqual(expect.objectContaining({ name: 'ort', runs: true }));
  });

  it('says what to install where onnxruntime-node is missing, and everything else still runs', async () => {
    const env = withoutOrt(folder);
    const { stdout: said } = await ddclProcess(['doctor'], { env });
    expect(said).toMatch(/^cpu +runs: /m);
    expect(said).toMatch(/^ort +does not run: onnxruntime-node is not installed: npm install onnxruntime-node/m);
    expect(said).toMatch(/^auto +takes cpu: onnxruntime-node is not installed/m);
    folder.write('few.npy', npy([50, 2], 'float32', clusters(50, 2, 2).flat));
    const fit = ['fit', folder.at('few.npy'), '--prototypes', '2', '--backend', 'ort', '--out', folder.at('none')];
    const { status, stderr } = await ddclProcess(fit, { env });
    expect([status, stderr]).toEqual([2, expect.stringContaining('npm install onnxruntime-node')]);
  });
});

describe('ddcl inspect', () => {
  beforeAll(async () => {
    folder.write('tokens.npy', npy([50, 2], 'float32', clusters(50, 2, 2).flat));
    await succeed([
      'fit',
      folder.at('tokens.npy'),
      '--prototypes',
      '2',
      '--epochs',
      '30',
      '--normalize',
      '--out',
      folder.at('model'),
    ]);
  });

  it('says what a model folder holds', async () => {
    const stdout = await succeed(['inspect', folder.at('model'), '--json']);
    const config = folder.json('model/config.json') as Record<string, unknown>;
    expect(JSON.parse(stdout)).toMatchObject({
      prototypes: 2,
      dimension: 2,
      dtype: 'float32',
      preprocessing: { standardize: false, normalize: true },
      fit: config['fit'],
      measures: config['measures'],
    });
    expect(await succeed(['inspect', folder.at('model')])).toMatch(
      /^ {2}normalize +true$[^]*^ {2}totalVariance +\d[^]*^ {2}explainedVariance +0\.\d/m,
    );
  });
});

describe('ddcl demo', () => {
  it('fits, writes a report, and replaces an earlier demo alone', async () => {
    const args = ['demo', '--objects', '100', '--out', folder.at('demo')];
    const stdout = await succeed(args);
    for (const text of ['LEO', 'MEO', 'GEO', 'HEO', 'loss L_q', folder.at('demo/report.html')])
      expect(stdout).toContain(text);
    const measures = JSON.parse(await succeed([...args, '--json'])) as object;
    expect(measures).toMatchObject({ tokens: 100, prototypes: 4, dimension: 5 });
    expect(readdirSync(folder.at('demo')).sort()).toEqual([
      'config.json',
      'history.jsonl',
      'model.safetensors',
      'report.html',
    ]);

    folder.write('demo/notes.txt', 'mine');
    const { status, stderr } = await ddcl(args);
    expect(status).toBe(2);
    expect(stderr).toContain('not empty');
    expect(folder.read('demo/notes.txt').toString()).toBe('mine');
  });
});

describe('what nobody expects', () => {
  const late = (): Record<string, string> => {
    // As a fault in a callback: outside of every promise, once the program runs.
    const thrown = `const wait = setInterval(() => {
      if (process.listenerCount('uncaughtException') === 0) return;
      clearInterval(wait);
      throw new TypeError('late');
    }, 1);`;
    return { NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(thrown)}` };
  };
  const line =
    "ddcl: unexpected: TypeError: late. This is a defect of ddcl: please report it with the command, what it prints with --debug, and the output of 'ddcl doctor'.\n";

  it('is one line, and with --debug a stack', async () => {
    const ended = await ddclProcess(['doctor'], { env: late() });
    expect([ended.status, ended.stderr]).toEqual([1, line]);
    const { status, stderr } = await ddclProcess(['doctor', '--debug'], { env: late() });
    expect(status).toBe(1);
    expect(stderr).toContain(line);
    expect(stderr).toMatch(/\n\s+at /);
  });

  it.runIf(existsSync('/dev/full'))('a full disk behind stdout is one line too', async () => {
    const child = spawnSync('sh', ['-c', '"$0" "$1" --help > /dev/full', process.execPath, program], {
      encoding: 'utf8',
    });
    expect([child.status, child.stderr]).toEqual([
      1,
      'ddcl: the system refused it (ENOSPC: no space left on device, write). Free some space, or write to another place, and run the command again.\n',
    ]);
  });

  it('every command takes --debug and says so', async () => {
    expect(await succeed(['fit', '--help'])).toContain('--debug');
    expect((await ddcl(['measure', '--debug', folder.at('no.npy')])).status).toBe(2);
  });
});
