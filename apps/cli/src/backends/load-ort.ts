import { DdclError } from '@ddcl/core';
import type { OrtRuntime } from '@ddcl/backend-ort';
import { messageOf } from '../output/message-of.ts';
import { withStdoutOnStderr } from '../output/stdout-on-stderr.ts';

/** How to get ONNX Runtime, for messages. */
export const installOrt =
  'npm install onnxruntime-node beside ddcl (with npx: npx -p onnxruntime-node -p @ddcl/cli ddcl ...)';

/** Whether an error of {@link loadOrt} says that the module is not there, and not that it is broken. */
export const isOrtMissing = (error: unknown): boolean => isMissing((error as Error | undefined)?.cause);

/** An installation that lacks a file of its own, such as its native part, is broken: the message names that file then. */
function isMissing(cause: unknown): boolean {
  const { code, message = '' } = (cause ?? {}) as Partial<NodeJS.ErrnoException>;
  return (code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND') && message.includes("'onnxruntime-node'");
}

/**
 * The module `onnxruntime-node`, which users install beside this package if they want it: it takes 100 MB.
 * @throws DdclError `unsupported` if it is not installed or cannot be loaded, with the remedy
 */
export async function loadOrt(): Promise<OrtRuntime> {
  // Its build for Linux has telemetry, which writes files to the temporary folder; a command line tool sends nothing unasked.
  process.env['ORT_DISABLE_TELEMETRY'] ??= '1';
  try {
    return await withStdoutOnStderr(async () => (await import('onnxruntime-node')) as unknown as OrtRuntime);
  } catch (cause) {
    throw new DdclError(
      'unsupported',
      isMissing(cause)
        ? `onnxruntime-node is not installed: ${installOrt}. Behind a firewall put ONNXRUNTIME_NODE_INSTALL_CUDA=skip before it.`
        : `onnxruntime-node cannot be loaded: ${messageOf(cause).split('\n')[0]}. Install it again for this platform and Node ${process.version}.`,
      { cause },
    );
  }
}
