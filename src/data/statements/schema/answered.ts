import { isDbError, type DbError } from '../../../base/errors.ts';

/**
 * What the indexes say of a question that they cannot answer is the statement's answer in the reference, and the statements
 * behind it run: such an error is given back. Any other is thrown.
 */
export async function answered<T>(ask: () => Promise<T>): Promise<T | DbError> {
  try {
    return await ask();
  } catch (error) {
    if (isDbError(error, 'invalid_argument')) return error;
    throw error;
  }
}
