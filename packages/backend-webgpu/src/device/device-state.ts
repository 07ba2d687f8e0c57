import { DdclError } from '@ddcl/core/backend';
import type { DeviceLease } from './request-device.ts';

/** A device, whether it can still be used, and the errors that it told of afterwards. */
export class DeviceState {
  readonly device: GPUDevice;
  /** The backend's, for messages. */
  readonly name: string;
  readonly lost: Promise<{ readonly reason: string }>;
  readonly #isBorrowed: boolean;
  #lostReason: string | undefined;
  #isDisposed = false;
  #late: DdclError | undefined;

  constructor(name: string, { device, isBorrowed }: DeviceLease) {
    this.name = name;
    this.device = device;
    this.#isBorrowed = isBorrowed;
    this.lost = new Promise((resolve) => {
      void device.lost.then(({ reason, message }) => {
        if (this.#isDisposed) return;
        this.#lostReason = message === '' ? reason : message;
        resolve({ reason: this.#lostReason });
      });
    });
    device.addEventListener('uncapturederror', this.#onError);
  }

  get isDisposed(): boolean {
    return this.#isDisposed;
  }

  /** @throws DdclError `disposed` or `lost`; or what an earlier call caused, which its device told of too late for it */
  requireAlive(use: string): void {
    if (this.#isDisposed)
      throw new DdclError('disposed', `${use}: the backend '${this.name}' was disposed. Make a new one.`);
    if (this.#lostReason !== undefined) throw this.lostError(use);
    const late = this.#late;
    this.#late = undefined;
    if (late !== undefined) throw late;
  }

  lostError(use: string): DdclError {
    const reason = this.#lostReason ?? 'it went away';
    return new DdclError(
      'lost',
      `${use}: the device of the backend '${this.name}' is lost (${reason}). Make a new backend and start again from the last checkpoint.`,
    );
  }

  /** Remembers an error for the next call. */
  fail(error: DdclError): void {
    this.#late ??= error;
  }

  dispose(): void {
    this.#isDisposed = true;
    this.device.removeEventListener('uncapturederror', this.#onError);
    if (!this.#isBorrowed) this.device.destroy();
  }

  readonly #onError = (event: GPUUncapturedErrorEvent): void => {
    // Else browsers write it to the console as well.
    (event as unknown as { preventDefault?: () => void }).preventDefault?.();
    this.fail(deviceError(event.error));
  };
}

/** An error of the device as ours. */
export function deviceError({ message, constructor }: GPUError): DdclError {
  if (constructor.name === 'GPUOutOfMemoryError') {
    return new DdclError(
      'limit',
      `The device has no memory left: ${message}. Cut the work into smaller blocks, or free buffers.`,
    );
  }
  return new DdclError('internal', `internal: WebGPU refused what this backend asked: ${message}. Please report this.`);
}
