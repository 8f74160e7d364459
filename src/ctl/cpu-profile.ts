import { writeFile } from 'node:fs/promises';
import { Session } from 'node:inspector/promises';

/** Does `work`, and writes what it was busy with to `path`, as Chrome's developer tools read it; '' writes nothing. */
export async function profiled<T>(path: string, work: () => Promise<T>): Promise<T> {
  if (path === '') return work();
  const session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.start');
  const end = async (): Promise<void> => {
    const { profile } = await session.post('Profiler.stop');
    session.disconnect();
    await writeFile(path, JSON.stringify(profile));
  };
  let answer: T;
  try {
    answer = await work();
  } catch (error) {
    // It may have taken as long. What it failed with is what is told.
    await end().catch(() => undefined);
    throw error;
  }
  await end();
  return answer;
}
