import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, expect, it } from 'vitest';
import { withExternalWeights } from '../../packages/backend-ort/test/export/with-external-weights.ts';
import { writeTinyBert } from '../tiny-bert/write-tiny-bert.ts';

const run = promisify(execFile);
const root = resolve(import.meta.dirname, '../..');

/** The block of a README that holds a text. */
async function blockWith(readme: string, text: string): Promise<string> {
  const blocks = [...(await readFile(join(root, readme), 'utf8')).matchAll(/^```(?:js|ts)\n([\s\S]*?)^```/gm)];
  const found = blocks.map(([, code]) => code!).filter((code) => code.includes(text));
  expect(found, `blocks of ${readme} with ${text}`).toHaveLength(1);
  return found[0]!;
}

/** Tensors and metadata of a safetensors file, read without any code of the project. */
function readModel(bytes: Buffer): { tensors: Map<string, number[]>; metadata: Record<string, string> } {
  const length = Number(bytes.readBigUInt64LE(0));
  const { __metadata__: metadata, ...entries } = JSON.parse(bytes.toString('utf8', 8, 8 + length)) as Record<
    string,
    { dtype: string; data_offsets: [number, number] }
  > & { __metadata__: Record<string, string> };
  const tensors = new Map(
    Object.entries(entries).map(
      ([
        name,
        {
          dtype,
          data_offsets: [first, end],
        },
      ]) => {
        const size = dtype === 'F32' ? 4 : 8;
        const start = 8 + length + first;
        const numbers = Array.from({ length: (end - first) / size }, (_, index) =>
          size === 4 ? bytes.readFloatLE(start + 4 * index) : bytes.readDoubleLE(start + 8 * index),
        );
        return [name, numbers];
      },
    ),
  );
  return { tensors, metadata };
}

const words = ['film', 'music', 'river', 'stone', 'light', 'good', 'bad'];
const line = (index: number): string =>
  JSON.stringify({
    id: `n${index}`,
    text: Array.from(
      { length: 2 + (index % 5) },
      (_, place) => words[(index * 3 + place * (1 + (index % 2))) % 7],
    ).join(' '),
    label: index % 2,
  });

/**
 * The first hour of somebody who has installed the packages: what the READMEs say, in an empty folder.
 *
 * @param installed the folder with the packed packages
 */
export function firstHour(installed: () => string): void {
  let folder = '';
  const ddcl = (...args: string[]): Promise<{ stdout: string }> =>
    run(join(installed(), 'node_modules', '.bin', 'ddcl'), args, { cwd: folder });
  const node = async (name: string, code: string): Promise<string> => {
    await writeFile(join(folder, name), code);
    return (await run(process.execPath, [name], { cwd: folder })).stdout;
  };

  beforeAll(async () => {
    folder = join(installed(), 'first-hour');
    await mkdir(folder);
    await writeTinyBert(join(folder, 'encoder'));
    for (const [index, name] of ['train', 'test'].entries())
      await writeFile(
        join(folder, `${name}.jsonl`),
        `${Array.from({ length: 24 }, (_, row) => line(row + 24 * index)).join('\n')}\n`,
      );
  });

  it('fits from a pipeline and runs the encoder once', async () => {
    const block = await blockWith('packages/readout/README.md', 'await pipeline(');
    const counted = `
      import { env } from '@huggingface/transformers';
      Object.assign(env, { allowRemoteModels: false, useFSCache: false, localModelPath: '.' });
      let runs = 0;
      async function countedPipeline(task, name) {
        const { tokenizer, model } = await pipeline(task, 'encoder', { dtype: 'fp32' });
        return { tokenizer, model: (inputs) => (runs++, model(inputs)) };
      }
    `;
    const code = block.replace('await pipeline(', 'await countedPipeline(');
    expect(code).not.toBe(block);
    const marked = code.replace(/^const embed/m, "console.log('runs of the fit:', runs);\nconst embed");
    const stdout = await node('pipeline.mjs', `${counted}\n${marked}\nconsole.log('runs:', runs);`);
    expect(stdout).toContain('runs of the fit: 1\n');
    expect(stdout).toContain('runs: 2\n');
  });

  it('compares, and says which readout to take for each task', async () => {
    const common = ['--labels', 'label', '--encoder', 'encoder', '--prototypes', '2', '--steps', '20', '--no-vectors'];
    const { stdout } = await ddcl(
      'compare',
      '--train',
      'train.jsonl',
      '--test',
      'test.jsonl',
      ...common,
      '--seeds',
      '2',
    );
    for (const task of ['probe', 'clustering', 'retrieval'])
      expect(stdout).toMatch(new RegExp(`^for ${task}: .* ± `, 'm'));
  });

  it('fits text with --standardize and encodes it by the formulas of the README, all codes alike', async () => {
    await ddcl(
      'fit',
      '--text',
      'train.jsonl',
      '--encoder',
      'encoder',
      '--prototypes',
      '4',
      '--standardize',
      '--out',
      'model',
    );
    await ddcl(
      'encode-tokens',
      '--text',
      'test.jsonl',
      '--encoder',
      'encoder',
      '--token-dtype',
      'float32',
      '--out',
      'tokens',
    );
    await ddcl('encode', 'model', 'tokens', '--outputs', 'codes', '--out', 'codes.jsonl');
    const codes = (await readFile(join(folder, 'codes.jsonl'), 'utf8'))
      .trimEnd()
      .split('\n')
      .map((text) => (JSON.parse(text) as { codes: number }).codes);
    const { tensors } = readModel(await readFile(join(folder, 'tokens/tokens-00000.safetensors')));
    const own = readModel(await readFile(join(folder, 'model/model.safetensors')));
    const [prototypes, mean, deviation] = ['prototypes', 'mean', 'deviation'].map((name) => own.tensors.get(name)!);
    expect(own.metadata['normalize']).toBe('false');
    const m = mean!.length;
    const tokens = tensors.get('tokens')!;
    const nearest = Array.from({ length: tokens.length / m }, (_, token) => {
      const distances = Array.from({ length: 4 }, (__, k) =>
        mean!.reduce(
          (sum, shift, axis) =>
            sum + ((tokens[token * m + axis]! - shift) / deviation![axis]! - prototypes![k * m + axis]!) ** 2,
          0,
        ),
      );
      return distances.indexOf(Math.min(...distances));
    });
    expect(codes).toEqual(nearest);
    expect(new Set(codes).size).toBeGreaterThan(1);
  });

  it('keeps ids of texts, in their order', async () => {
    await ddcl('encode', 'model', '--text', 'test.jsonl', '--id', 'id', '--outputs', 'pooled', '--out', 'pooled.jsonl');
    const ids = (await readFile(join(folder, 'pooled.jsonl'), 'utf8'))
      .trimEnd()
      .split('\n')
      .map((text) => (JSON.parse(text) as { id: string }).id);
    expect(ids).toEqual(Array.from({ length: 24 }, (_, row) => `n${row + 24}`));
  });

  it('exports encoder and readout as one file, with weights that lay beside the encoder', async () => {
    const encoder = await readFile(join(folder, 'encoder/onnx/model.onnx'));
    const { model, weights } = withExternalWeights(encoder, 'model.onnx_data');
    await mkdir(join(folder, 'large'));
    await writeFile(join(folder, 'large/model.onnx'), model);
    await writeFile(join(folder, 'large/model.onnx_data'), weights);
    const block = await blockWith('packages/backend-ort/README.md', 'externalFiles(encoder)');
    await node('export.mjs', block.replaceAll('encoder/', 'large/'));
    // The file alone, elsewhere, gives what ddcl encode gives.
    const check = `
      import { readFileSync } from 'node:fs';
      import * as ort from 'onnxruntime-node';
      import { AutoTokenizer, env } from '@huggingface/transformers';
      Object.assign(env, { allowRemoteModels: false, useFSCache: false, localModelPath: '.' });
      const tokenizer = await AutoTokenizer.from_pretrained('encoder');
      const texts = readFileSync('test.jsonl', 'utf8').trimEnd().split('\\n').map((text) => JSON.parse(text).text);
      const inputs = tokenizer(texts, { padding: true });
      const session = await ort.InferenceSession.create(readFileSync('sentence.onnx'));
      const feeds = session.inputNames.map((name) => [name, new ort.Tensor('int64', inputs[name].data, inputs[name].dims)]);
      const { pooled } = await session.run(Object.fromEntries(feeds));
      console.log(JSON.stringify([...pooled.data]));
    `;
    const pooled = JSON.parse(await node('check.mjs', check)) as number[];
    const wanted = (await readFile(join(folder, 'pooled.jsonl'), 'utf8'))
      .trimEnd()
      .split('\n')
      .flatMap((text) => (JSON.parse(text) as { pooled: number[] }).pooled);
    expect(pooled).toHaveLength(wanted.length);
    // float32 through the encoder, in batches of other lengths; standardized numbers of a few.
    const worst = wanted.reduce((most, value, index) => Math.max(most, Math.abs(value - pooled[index]!)), 0);
    expect(worst).toBeLessThan(1e-3);
  });
}
