import { writeFile } from 'node:fs/promises';
import { Session } from 'node:inspector/promises';

/** Does `work`, and writes what it was busy with to `path`, as Chrome's developer tools read it; '' writes nothing. */
export async function profiled<T>(path: string, work: () => Promise<T>): Promise<T> {
  if (path === '') return work();
  const session = new Session();
  session.connect();
  try {
    await session.post('Profiler.enable');
    await session.post('Profiler.start');
    const answer = await work();
    const { profile } = await session.post('Profiler.stop');
    await writeFile(path, JSON.stringify(profile));
    return answer;
  } finally {
    session.disconnect();
  }
}
