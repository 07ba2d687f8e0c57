import { createHash } from 'node:crypto';
import { existsSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { tinyBert } from '../../../../tooling/tiny-bert/tiny-bert.ts';
import { isEncoderName } from '../../src/encoder/fetch-encoder.ts';
import { openEncoder } from '../../src/encoder/open-encoder.ts';
import { loadOrt } from '../../src/backends/load-ort.ts';
import { encodeAll, temporaryFolder, tinyEncoder } from './support.ts';

const sha = 'a'.repeat(40);
const bert = tinyBert();

/** A hub with one model, as far as the library asks: what is there, where it lies, and the bytes. */
function hub(files: Readonly<Record<string, Uint8Array | string>>, asked: string[]): Server {
  const bytesOf = (path: string): Buffer => Buffer.from(files[path]!);
  const etag = (path: string): string => createHash('sha1').update(bytesOf(path)).digest('hex');
  return createServer((request, response) => {
    const url = decodeURIComponent(new URL(request.url!, 'http://hub').pathname);
    const json = (value: unknown): void => {
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(value));
    };
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString('utf8')));
    request.on('end', () => {
      if (url === '/api/models/owner/tiny/revision/main') {
        json({
          _id: '1',
          id: 'owner/tiny',
          sha,
          private: false,
          gated: false,
          downloads: 0,
          likes: 0,
          lastModified: '2026-01-01',
          siblings: Object.keys(files).map((rfilename) => ({ rfilename })),
        });
      } else if (url === `/api/models/owner/tiny/paths-info/${sha}`) {
        const { paths } = JSON.parse(body) as { paths: string[] };
        json(paths.map((path) => ({ path, type: 'file', oid: etag(path), size: bytesOf(path).length })));
      } else if (url.startsWith(`/owner/tiny/resolve/${sha}/`)) {
        const path = url.slice(`/owner/tiny/resolve/${sha}/`.length);
        const bytes = bytesOf(path);
        response.setHeader('etag', `"${etag(path)}"`);
        const range = /bytes=(\d+)-(\d+)/.exec(request.headers.range ?? '');
        if (range === null) {
          asked.push(path);
          response.end(bytes);
        } else {
          const [from, to] = [Number(range[1]), Math.min(bytes.length - 1, Number(range[2]))];
          response.writeHead(206, { 'content-range': `bytes ${from}-${to}/${bytes.length}` });
          response.end(bytes.subarray(from, to + 1));
        }
      } else {
        response.writeHead(404);
        response.end();
      }
    });
  });
}

const ort = await loadOrt();
const servers: Server[] = [];
afterAll(() => servers.forEach((server) => server.close()));
let cache = '';
beforeEach(() => {
  cache = newCache();
  vi.stubEnv('HF_HUB_CACHE', cache);
});
afterEach(() => vi.unstubAllEnvs());

const made: string[] = [];
afterAll(() => made.forEach((path) => rmSync(path, { recursive: true, force: true })));
function newCache(): string {
  const path = join(parent, `cache-${made.length}`);
  made.push(path);
  return path;
}
const parent = temporaryFolder();

async function serve(files: Readonly<Record<string, Uint8Array | string>>): Promise<string[]> {
  const asked: string[] = [];
  const server = hub(files, asked);
  servers.push(server);
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  vi.stubEnv('HF_ENDPOINT', `http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  return asked;
}

describe('an encoder by name', () => {
  it('is fetched once, into the cache, without a word on stdout', async () => {
    const asked = await serve({ ...bert.files, 'README.md': 'not needed', 'pytorch_model.bin': 'not needed' });
    const print = vi.spyOn(console, 'debug');
    const notices: string[] = [];
    const encoder = await openEncoder({ encoder: 'owner/tiny', ort, onNotice: (text) => notices.push(text) });
    expect(print).not.toHaveBeenCalled();
    print.mockRestore();
    const here = await openEncoder({ encoder: await tinyEncoder(), ort });
    expect(encoder.record).toEqual({ ...here.record, encoder: 'owner/tiny' });
    expect((await encodeAll(encoder, ['a good film']))[0]!.tokens).toEqual(
      (await encodeAll(here, ['a good film']))[0]!.tokens,
    );
    await Promise.all([encoder.dispose(), here.dispose()]);
    expect(asked.toSorted()).toEqual(['config.json', 'onnx/model.onnx', 'tokenizer.json', 'tokenizer_config.json']);
    expect(notices[0]).toMatch(/^fetching tokenizer\.json of owner\/tiny into/);
    expect(existsSync(join(cache, 'models--owner--tiny/snapshots', sha, 'onnx/model.onnx'))).toBe(true);

    // From now on without a network.
    vi.stubEnv('HF_ENDPOINT', 'http://127.0.0.1:1');
    const again = await openEncoder({ encoder: 'owner/tiny', ort });
    expect(again.record).toEqual(encoder.record);
    await again.dispose();
  });

  it('says what to do when there is no way to the hub, no such model, or no model for onnxruntime in it', async () => {
    vi.stubEnv('HF_ENDPOINT', 'http://127.0.0.1:1');
    const open = (encoder: string, dtype: 'fp32' | 'q8' = 'fp32'): Promise<unknown> =>
      openEncoder({ encoder, dtype, ort });
    await expect(open('owner/tiny')).rejects.toMatchObject({
      code: 'argument',
      message: expect.stringMatching(
        /^The encoder owner\/tiny is no folder here, is not in the cache .*no way to the hub.*give that with --encoder/,
      ) as string,
    });
    await serve(bert.files);
    await expect(open('owner/none')).rejects.toThrow(/the hub has no public model of this name, status 404/);
    await expect(open('owner/tiny', 'q8')).rejects.toThrow(
      /owner\/tiny has no onnx\/model_quantized\.onnx or model_quantized\.onnx/,
    );
    await expect(open('../elsewhere')).rejects.toThrow(/There is no encoder folder/);
  });

  it('is told from a path', () => {
    expect(['sentence-transformers/all-MiniLM-L6-v2', 'bert-base-uncased', 'a_b/c.d'].map(isEncoderName)).toEqual([
      true,
      true,
      true,
    ]);
    expect(['./model', '/model', 'a/b/c', 'a//b', 'C:\\model', '..', ''].map(isEncoderName)).toEqual(
      Array.from({ length: 7 }, () => false),
    );
  });
});
