import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, posix } from 'node:path';
import { DdclError, isDdclError } from '@ddcl/core';
import { usageError } from '../output/usage-error.ts';
import { filesBeside, findEncoderFiles, modelNames, type EncoderDType } from './encoder-files.ts';

/** Where fetched encoders are kept, for help and messages; `HF_HOME` and `HF_HUB_CACHE` change it. */
export const cacheFolderText = '~/.cache/huggingface/hub';

const branch = 'main';

/** Whether a text can be a name in a hub: `owner/name` or `name`. */
export function isEncoderName(text: string): boolean {
  return /^[A-Za-z0-9][\w.-]*(\/[\w.-]+)?$/.test(text);
}

export interface FetchOptions {
  readonly dtype: EncoderDType;
  readonly signal?: AbortSignal | undefined;
  /** Told which file is fetched. */
  readonly onFile?: ((name: string) => void) | undefined;
}

/**
 * The folder of an encoder that is known by a name: from the cache of `@huggingface/hub`, which other programs share, else fetched
 * into it. `HF_ENDPOINT` names another hub.
 *
 * @throws DdclError `argument` if it is not in the cache and cannot be fetched; says how to give a folder
 */
export async function fetchEncoder(name: string, { dtype, signal, onFile }: FetchOptions): Promise<string> {
  // Loaded only when a name is given.
  const { downloadFileToCacheDir, getHFHubCachePath, getRepoFolderName, modelInfo } = await import('./hub.ts');
  const cache = getHFHubCachePath();
  const storage = join(cache, getRepoFolderName({ type: 'model', name }));
  const cached = await cachedSnapshot(storage, dtype);
  if (cached !== undefined) return cached;
  const endpoint = process.env['HF_ENDPOINT'];
  const common = {
    ...(endpoint === undefined || endpoint === '' ? {} : { hubUrl: endpoint.replace(/\/$/, '') }),
    ...(signal === undefined
      ? {}
      : { fetch: ((url, init) => fetch(url, { ...init, signal })) satisfies typeof fetch as typeof fetch }),
  };
  const { debug, info } = console;
  // The library reports on stdout, which belongs to the command's result.
  const silent = (): void => undefined;
  Object.assign(console, { debug: silent, info: silent });
  try {
    const { sha, filePaths } = await modelInfo({
      ...common,
      name,
      revision: branch,
      additionalFields: ['sha', 'filePaths'],
    });
    const download = async (path: string): Promise<string> => {
      onFile?.(path);
      return downloadFileToCacheDir({
        ...common,
        repo: { type: 'model', name },
        path,
        revision: sha,
        cacheDir: cache,
      });
    };
    const model = modelNames(dtype).find((path) => filePaths.includes(path));
    const missing = ['tokenizer.json', 'config.json'].filter((path) => !filePaths.includes(path));
    if (model === undefined) missing.push(modelNames(dtype).join(' or '));
    if (model === undefined || missing.length > 0) {
      throw usageError(
        `The encoder ${name} has no ${missing.join(' and no ')}. Choose one that is published for transformers.js, or export it to ONNX and give its folder.`,
      );
    }
    for (const path of ['tokenizer.json', 'config.json', 'tokenizer_config.json']) {
      if (filePaths.includes(path)) await download(path);
    }
    const local = await download(model);
    for (const file of await filesBeside(local)) await download(posix.join(posix.dirname(model), file));
    const reference = join(storage, 'refs', branch);
    await mkdir(dirname(reference), { recursive: true });
    await writeFile(reference, sha);
    return join(storage, 'snapshots', sha);
  } catch (cause) {
    if (signal?.aborted) throw new DdclError('aborted', 'Fetching the encoder was interrupted.', { cause });
    if (isDdclError(cause)) throw cause;
    throw usageError(
      `The encoder ${name} is no folder here, is not in the cache ${cache}, and cannot be fetched (${problemOf(cause)}). Copy its tokenizer.json, config.json and onnx/model.onnx into a folder and give that with --encoder.`,
      cause,
    );
  } finally {
    Object.assign(console, { debug, info });
  }
}

/** What was fetched before, if it is whole. */
async function cachedSnapshot(storage: string, dtype: EncoderDType): Promise<string | undefined> {
  const revision = await readFile(join(storage, 'refs', branch), 'utf8').catch(() => undefined);
  if (revision === undefined) return undefined;
  const folder = join(storage, 'snapshots', revision.trim());
  return findEncoderFiles(folder, dtype).then(
    () => folder,
    () => undefined,
  );
}

/** Why something was not fetched, without an address. */
function problemOf(error: unknown): string {
  const { statusCode, cause, message } = error as { statusCode?: number; cause?: unknown; message?: string };
  if (statusCode === 404 || statusCode === 401) return `the hub has no public model of this name, status ${statusCode}`;
  if (statusCode !== undefined) return `the hub answered with status ${statusCode}`;
  const code = (cause as { code?: unknown } | undefined)?.code;
  if (message === 'fetch failed') return `there is no way to the hub${typeof code === 'string' ? `: ${code}` : ''}`;
  return (message ?? String(error)).split('\n')[0]!;
}
