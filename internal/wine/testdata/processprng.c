/* Go programs ask bcryptprimitives.dll for random bytes, which wine does not have before version 9. */
#include <windows.h>

BOOLEAN NTAPI SystemFunction036(void *buffer, ULONG length); /* RtlGenRandom */

__declspec(dllexport) BOOL WINAPI ProcessPrng(unsigned char *buffer, SIZE_T length)
{
	const ULONG most = 1 << 30;
	while (length > 0) {
		ULONG part = length > most ? most : (ULONG)length;
		if (!SystemFunction036(buffer, part))
			return FALSE;
		buffer += part;
		length -= part;
	}
	return TRUE;
}
