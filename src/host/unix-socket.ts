import fs from 'node:fs';
import { connect } from 'node:net';

/** Whether somebody listens at a unix socket. It is connected to, and left again at once. */
export async function hasListener(file: string): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = connect({ path: file });
    const end = (answer: boolean) => (): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', end(true));
    // EAGAIN: more are waiting to be let in than the listener has room for (unix(7))
    socket.once('error', (error) => end('code' in error && error.code === 'EAGAIN')());
  });
}

/** Removes the file of a unix socket at which nobody listens any more; anything else is left alone. */
export async function removeDeadSocket(file: string): Promise<void> {
  if (fs.lstatSync(file, { throwIfNoEntry: false })?.isSocket() !== true || (await hasListener(file))) return;
  fs.rmSync(file, { force: true });
}
