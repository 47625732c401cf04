/* A stand-in for libnvidia-ml.so.1: its GPUs are the lines of the file that FAKE_NVML names.

   The file is read at each call, so that GPUs change under whoever looks at them. Its lines:

     init CODE                                               what nvmlInit answers; -1: nothing,
                                                             until it is something else
     gpu ERROR TOTAL USED PERCENT BUS:DEVICE MIG UUID NAME   bytes; PERCENT -1: not supported
     slice ERROR TOTAL USED PERCENT BUS:DEVICE MIG UUID NAME of the GPU above
     process PID BYTES KIND                                  of the GPU or slice above; BYTES -1:
                                                             not known; KIND: C, G or M (MPS)
     fails FUNCTION CODE                                     what one function answers for it; -1:
                                                             nothing, until the line has gone
     memory CODE                                             its memory is failing (rows, pages)

   A handle is the number of its line among those of GPUs and slices. Each init and shutdown is
   written to the file FAKE_NVML.calls. Source of facts: NVIDIA's nvml.h and what pynvml calls. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { HANGS = -1, LOOK = 5000 /* microseconds */ };
enum { OK = 0, UNINITIALIZED = 1, INVALID = 2, UNSUPPORTED = 3, NOT_FOUND = 6, TOO_SMALL = 7 };
enum { MOST = 64, NAMES = 96 };

typedef unsigned long long bytes;
typedef struct { unsigned pid; bytes memory; unsigned gpu_instance, compute_instance; } process;
typedef struct { char function[NAMES]; int code; } failure;
typedef struct {
    int slice, error, percent, divided, failing, processes, failures;
    unsigned bus, device;
    bytes total, used;
    char uuid[NAMES], name[NAMES], kinds[MOST];
    process running[MOST];
    failure failed[MOST];
} thing;
typedef struct { unsigned version; bytes total, reserved, free, used; } memory_2;
typedef struct { char legacy[16]; unsigned domain, bus, device, id, subsystem; char text[32]; } pci;

static thing things[MOST];
static int count, init_code, users;

static void read_state(void) {
    const char *path = getenv("FAKE_NVML");
    FILE *file = path ? fopen(path, "r") : NULL;
    char line[512];
    count = init_code = 0;
    if (file == NULL) {
        init_code = 9; /* the driver is not loaded */
        return;
    }
    while (fgets(line, sizeof line, file)) {
        char kind[16] = "", letter;
        thing *last = &things[count ? count - 1 : 0], *next = &things[count];
        unsigned pid;
        long long memory;
        sscanf(line, "%15s", kind);
        if (strcmp(kind, "init") == 0) {
            sscanf(line, "%*s %d", &init_code);
        } else if ((strcmp(kind, "gpu") == 0 || strcmp(kind, "slice") == 0) && count < MOST) {
            memset(next, 0, sizeof *next);
            next->slice = kind[0] == 's';
            sscanf(line, "%*s %d %llu %llu %d %x:%x %d %95s %95[^\n]", &next->error, &next->total,
                   &next->used, &next->percent, &next->bus, &next->device, &next->divided,
                   next->uuid, next->name);
            count++;
        } else if (sscanf(line, "process %u %lld %c", &pid, &memory, &letter) == 3) {
            last->running[last->processes] = (process){pid, (bytes)memory, ~0u, ~0u};
            last->kinds[last->processes++] = letter;
        } else if (strcmp(kind, "fails") == 0) {
            failure *failed = &last->failed[last->failures++];
            sscanf(line, "%*s %95s %d", failed->function, &failed->code);
        } else if (strcmp(kind, "memory") == 0) {
            sscanf(line, "%*s %d", &last->failing);
        }
    }
    fclose(file);
}

static int look_up(const char *function, void *handle, thing **found) {
    long number = (long)handle - 1;
    if (users == 0) return UNINITIALIZED;
    read_state();
    if (number < 0 || number >= count) return INVALID;
    *found = &things[number];
    for (int i = 0; i < (*found)->failures; i++)
        if (strcmp((*found)->failed[i].function, function) == 0) return (*found)->failed[i].code;
    return (*found)->error;
}

/* The GPU of a handle in *found, as it is now, or what the function has to answer instead. */
static int find(const char *function, void *handle, thing **found) {
    int answer;
    while ((answer = look_up(function, handle, found)) == HANGS) usleep(LOOK);
    return answer;
}

#define FIND(handle)                              \
    thing *it;                                    \
    int answer = find(__func__, (handle), &it);   \
    if (answer != OK) return answer

static void tell(const char *call) {
    char path[4096];
    snprintf(path, sizeof path, "%s.calls", getenv("FAKE_NVML") ? getenv("FAKE_NVML") : "");
    FILE *file = fopen(path, "a");
    if (file == NULL) return;
    fprintf(file, "%s\n", call);
    fclose(file);
}

int nvmlInitWithFlags(unsigned flags) {
    (void)flags;
    for (read_state(); init_code == HANGS; read_state()) usleep(LOOK);
    if (init_code == OK) {
        users++;
        tell("init");
    }
    return init_code;
}

int nvmlShutdown(void) {
    if (users == 0) return UNINITIALIZED;
    users--;
    tell("shutdown");
    return OK;
}

const char *nvmlErrorString(int code) {
    static char text[32];
    snprintf(text, sizeof text, "error %d", code);
    return text;
}

int nvmlDeviceGetCount_v2(unsigned *number) {
    if (users == 0) return UNINITIALIZED;
    read_state();
    if (init_code != OK) return init_code;
    *number = 0;
    for (int i = 0; i < count; i++) *number += !things[i].slice;
    return OK;
}

int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **handle) {
    if (users == 0) return UNINITIALIZED;
    read_state();
    for (long i = 0; i < count; i++) {
        if (things[i].slice || index-- != 0) continue;
        *handle = (void *)(i + 1);
        return find(__func__, *handle, &(thing *){0});
    }
    return INVALID;
}

static int put(const char *text, char *out, unsigned size) {
    if (strlen(text) >= size) return TOO_SMALL;
    strcpy(out, text);
    return OK;
}

int nvmlDeviceGetName(void *handle, char *out, unsigned size) {
    FIND(handle);
    return put(it->name, out, size);
}

int nvmlDeviceGetUUID(void *handle, char *out, unsigned size) {
    FIND(handle);
    return put(it->uuid, out, size);
}

int nvmlDeviceGetPciInfo_v3(void *handle, pci *info) {
    FIND(handle);
    memset(info, 0, sizeof *info);
    info->bus = it->bus;
    info->device = it->device;
    snprintf(info->text, sizeof info->text, "00000000:%02X:%02X.0", it->bus, it->device);
    return OK;
}

int nvmlDeviceGetMemoryInfo(void *handle, bytes memory[3]) {
    FIND(handle);
    memory[0] = it->total;
    memory[1] = it->total - it->used;
    memory[2] = it->used;
    return OK;
}

int nvmlDeviceGetMemoryInfo_v2(void *handle, memory_2 *memory) {
    FIND(handle);
    if (memory->version != (sizeof *memory | 2u << 24)) return 25; /* the version does not fit */
    memory->total = it->total;
    memory->reserved = 0;
    memory->free = it->total - it->used;
    memory->used = it->used;
    return OK;
}

int nvmlDeviceGetUtilizationRates(void *handle, unsigned rates[2]) {
    FIND(handle);
    if (it->percent < 0) return UNSUPPORTED;
    rates[0] = rates[1] = (unsigned)it->percent;
    return OK;
}

static int list(thing *it, char kind, unsigned *number, process *out) {
    unsigned room = *number;
    *number = 0;
    for (int i = 0; i < it->processes; i++) {
        if (it->kinds[i] != kind) continue;
        if (*number < room) out[*number] = it->running[i];
        ++*number;
    }
    return *number > room ? TOO_SMALL : OK;
}

int nvmlDeviceGetComputeRunningProcesses_v3(void *handle, unsigned *number, process *out) {
    FIND(handle);
    return list(it, 'C', number, out);
}

int nvmlDeviceGetGraphicsRunningProcesses_v3(void *handle, unsigned *number, process *out) {
    FIND(handle);
    return list(it, 'G', number, out);
}

int nvmlDeviceGetMPSComputeRunningProcesses_v3(void *handle, unsigned *number, process *out) {
    FIND(handle);
    return list(it, 'M', number, out);
}

int nvmlDeviceGetRemappedRows(void *handle, unsigned *right, unsigned *wrong, unsigned *pending,
                              unsigned *failing) {
    FIND(handle);
    *right = *wrong = *pending = 0;
    *failing = it->failing == 1;
    return OK;
}

int nvmlDeviceGetRetiredPagesPendingStatus(void *handle, unsigned *pending) {
    FIND(handle);
    *pending = it->failing == 2;
    return OK;
}

int nvmlDeviceGetMigMode(void *handle, unsigned *now, unsigned *then) {
    FIND(handle);
    if (it->divided < 0) return UNSUPPORTED;
    *now = *then = (unsigned)it->divided;
    return OK;
}

int nvmlDeviceGetMaxMigDeviceCount(void *handle, unsigned *most) {
    FIND(handle);
    *most = 7;
    return OK;
}

int nvmlDeviceGetMigDeviceHandleByIndex(void *handle, unsigned index, void **slice) {
    FIND(handle);
    for (long i = (long)handle; i < count && things[i].slice; i++)
        if (index-- == 0) {
            *slice = (void *)(i + 1);
            return OK;
        }
    return NOT_FOUND;
}
