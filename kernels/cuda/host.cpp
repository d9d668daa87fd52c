// The threads of `host.hpp`. In: a kernel and its grid; out: the kernel, run thread by thread, or a message and exit code 66.
//
// Every CUDA thread is a fiber on one system thread. A fiber runs until it waits; the next is drawn from a seed. Compiled without the
// sanitizers, which are to look at kernels only: `SNN_ASAN` and `SNN_TSAN` say which of them has to be told of the fibers. TSan then sees each
// CUDA thread as a thread, ordered by barriers and collectives only, and so finds races that no schedule shows: what a thread does behind a
// barrier is behind what the others did in front of it, and not in front of what they do next.
#include "host.hpp"

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include <sys/mman.h>
#include <ucontext.h>

#if defined(SNN_ASAN)
#include <sanitizer/common_interface_defs.h>
#endif
#if defined(SNN_TSAN)
extern "C" {
void* __tsan_get_current_fiber();
void* __tsan_create_fiber(unsigned flags);
void __tsan_switch_to_fiber(void* fiber, unsigned flags);
void __tsan_acquire(void* tag);
void __tsan_release(void* tag);
}
#endif

namespace snn_host {
namespace {

enum class State { Ready, AtBarrier, AtCollective, Done };

constexpr size_t STACK = 256 << 10;
constexpr unsigned WARP = 32;

// What a fiber runs on.
struct Seat {
    char* stack;
    void* tsan;
};

struct Fiber {
    ucontext_t context;
    Seat seat{};
    Index thread{};
    State state = State::Done;
    int line = 0;            // where it waits
    unsigned mask = 0;       // for whom
    unsigned value = 0;      // what it gives away
    unsigned given = 0;      // what it gets
    unsigned from = 0;       // of whom
};

struct Array {
    const char* name;
    char* at;
};

struct Machine {
    Place place{};
    std::vector<Fiber> fibers;
    Fiber* current = nullptr;
    ucontext_t scheduler;
    unsigned long long random = 1;
    void (*body)(void*) = nullptr;
    void* argument = nullptr;
    Array arrays[64];               // of the running block
    unsigned array_count = 0;
    const void* bottom = nullptr;   // the scheduler's stack, for ASan
    size_t size = 0;
    void* fake = nullptr;
    // Blocks in turn have other seats, or TSan would take them for ordered.
    std::vector<Seat> seats[4];
    // For TSan, addresses that are never used twice.
    void* main = nullptr;
    char *start = nullptr, *end = nullptr, *barrier = nullptr, *other = nullptr, *arena = nullptr;
    unsigned blocks_run = 0;
} machine;

[[noreturn]] void fail(const std::string& what) {
    const Place& at = machine.place;
    fprintf(stderr, "CUDA on the host: %s [block %u %u %u, thread %u %u %u]\n", what.c_str(), at.block.x, at.block.y, at.block.z,
            at.thread.x, at.thread.y, at.thread.z);
    fflush(stderr);
    _Exit(66);
}

unsigned draw(unsigned below) {
    unsigned long long& r = machine.random;
    r ^= r << 13;
    r ^= r >> 7;
    r ^= r << 17;
    return (unsigned)((r >> 16) % below);
}

void* pages(size_t bytes) {
    void* p = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED) fail("no memory");
    return p;
}

void acquire(void* tag) {
#if defined(SNN_TSAN)
    __tsan_acquire(tag);
#endif
    (void)tag;
}

void release(void* tag) {
#if defined(SNN_TSAN)
    __tsan_release(tag);
#endif
    (void)tag;
}

// For TSan: all that these fibers did comes before all that they do from now on. It is done for all of them at once, when the last has arrived:
// if each gave away what it did when it came, and took what was there when it went on, a quick one's next deeds would be among that.
void order(std::vector<Fiber>& fibers, unsigned first, unsigned count, unsigned mask, void* tag) {
#if defined(SNN_TSAN)
    const auto each = [&](void (*action)(void*)) {
        for (unsigned i = 0; i < count; i++) {
            if (!(mask >> i % WARP & 1)) continue;
            __tsan_switch_to_fiber(fibers[first + i].seat.tsan, 1);
            action(tag);
        }
    };
    each(&release);
    each(&acquire);
    __tsan_switch_to_fiber(machine.main, 1);
#endif
    (void)fibers, (void)first, (void)count, (void)mask, (void)tag;
}

// From the scheduler into a fiber, until it waits or ends.
void enter(Fiber& fiber) {
    machine.current = &fiber;
    machine.place.thread = fiber.thread;
#if defined(SNN_ASAN)
    __sanitizer_start_switch_fiber(&machine.fake, fiber.seat.stack, STACK);
#endif
#if defined(SNN_TSAN)
    __tsan_switch_to_fiber(fiber.seat.tsan, 1);  // 1: this orders nothing
#endif
    swapcontext(&machine.scheduler, &fiber.context);
#if defined(SNN_ASAN)
    __sanitizer_finish_switch_fiber(machine.fake, nullptr, nullptr);
#endif
}

// From the current fiber back to the scheduler.
void leave(State state) {
    Fiber& fiber = *machine.current;
    fiber.state = state;
    void* fake = nullptr;
    (void)fake;
#if defined(SNN_ASAN)
    __sanitizer_start_switch_fiber(state == State::Done ? nullptr : &fake, machine.bottom, machine.size);
#endif
#if defined(SNN_TSAN)
    __tsan_switch_to_fiber(machine.main, 1);
#endif
    swapcontext(&fiber.context, &machine.scheduler);
#if defined(SNN_ASAN)
    __sanitizer_finish_switch_fiber(fake, &machine.bottom, &machine.size);
#endif
}

void entry() {
#if defined(SNN_ASAN)
    __sanitizer_finish_switch_fiber(nullptr, &machine.bottom, &machine.size);
#endif
    acquire(machine.start);
    machine.body(machine.argument);
    release(machine.end);
    leave(State::Done);
    abort();
}

void prepare(Fiber& fiber, unsigned index) {
    std::vector<Seat>& seats = machine.seats[machine.blocks_run % 4];
    if (index == seats.size()) {
        Seat seat{static_cast<char*>(pages(STACK)), nullptr};
#if defined(SNN_TSAN)
        seat.tsan = __tsan_create_fiber(0);
#endif
        seats.push_back(seat);
    }
    fiber.seat = seats[index];
    getcontext(&fiber.context);
    fiber.context.uc_stack.ss_sp = fiber.seat.stack;
    fiber.context.uc_stack.ss_size = STACK;
    fiber.context.uc_link = nullptr;
    makecontext(&fiber.context, entry, 0);
    fiber.state = State::Ready;
}

// Can the collective of this fiber go on? Then all of its lanes do.
bool collective(unsigned first, Fiber& fiber) {
    for (unsigned lane = 0; lane < WARP; lane++) {
        if (!(fiber.mask >> lane & 1)) continue;
        machine.place.thread = fiber.thread;
        if (first + lane >= machine.fibers.size()) fail("a collective waits for a lane that the block does not have");
        const Fiber& other = machine.fibers[first + lane];
        if (other.state == State::Done) fail("a collective waits for a lane that has ended");
        if (other.state != State::AtCollective) return false;
        if (other.mask != fiber.mask || other.line != fiber.line) fail("lanes of one mask are at different collectives");
    }
    for (unsigned lane = 0; lane < WARP; lane++) {
        if (!(fiber.mask >> lane & 1)) continue;
        Fiber& other = machine.fibers[first + lane];
        if (!(fiber.mask >> other.from & 1)) fail("a lane asks for the value of one that takes no part");
        other.given = machine.fibers[first + other.from].value;
    }
    const unsigned mask = fiber.mask, count = machine.fibers.size() - first < WARP ? (unsigned)machine.fibers.size() - first : WARP;
    // One tag per warp, and one for every collective of some of its lanes.
    const bool all = mask == 0xffffffffu;
    if (!all) machine.other += 8;
    order(machine.fibers, first, count, mask, all ? machine.barrier + 1 + first / WARP : machine.other);
    for (unsigned lane = 0; lane < WARP; lane++) {
        if (mask >> lane & 1) machine.fibers[first + lane].state = State::Ready;
    }
    return true;
}

// All fibers wait or have ended: lets some go on. False: all have ended.
bool go_on() {
    std::vector<Fiber>& fibers = machine.fibers;
    bool any = false;
    for (unsigned i = 0; i < fibers.size(); i++) {
        if (fibers[i].state == State::AtCollective) any |= collective(i / WARP * WARP, fibers[i]);
    }
    if (any) return true;
    unsigned waiting = 0, ended = 0;
    const Fiber* one = nullptr;
    for (const Fiber& fiber : fibers) {
        ended += fiber.state == State::Done;
        waiting += fiber.state == State::AtBarrier;
        if (fiber.state == State::AtBarrier) one = &fiber;
    }
    if (ended == fibers.size()) return false;
    if (waiting < fibers.size()) {
        fail(std::to_string(waiting) + " threads wait at a barrier, " + std::to_string(ended) + " have ended, the others are at a collective");
    }
    for (Fiber& fiber : fibers) {
        machine.place.thread = fiber.thread;
        if (fiber.line != one->line) fail("threads of the block are at different barriers");
        fiber.state = State::Ready;
    }
    order(fibers, 0, (unsigned)fibers.size(), 0xffffffffu, machine.barrier);
    return true;
}

void run_block() {
    std::vector<Fiber>& fibers = machine.fibers;
    for (unsigned i = 0; i < fibers.size(); i++) prepare(fibers[i], i);
    std::vector<unsigned> ready;
    do {
        for (unsigned i = 0; i < fibers.size(); i++) {
            if (fibers[i].state == State::Ready) ready.push_back(i);
        }
        while (!ready.empty()) {
            std::swap(ready[draw((unsigned)ready.size())], ready.back());
            Fiber& fiber = fibers[ready.back()];
            ready.pop_back();
            enter(fiber);
        }
    } while (go_on());
    machine.blocks_run++;
    machine.barrier += 64;
#if !defined(SNN_TSAN)
    for (unsigned i = 0; i < machine.array_count; i++) free(machine.arrays[i].at);
#endif
    machine.array_count = 0;
}

}  // namespace

const Place& place() { return machine.place; }

unsigned lane() {
    const Place& at = machine.place;
    return (at.thread.x + at.threads.x * (at.thread.y + at.threads.y * at.thread.z)) % WARP;
}

void barrier(int line) {
    machine.current->line = line;
    leave(State::AtBarrier);
}

unsigned exchange(unsigned mask, unsigned value, unsigned from, int line) {
    Fiber& fiber = *machine.current;
    if (!(mask >> lane() & 1)) fail("a lane is at a collective that does not name it");
    fiber.line = line;
    fiber.mask = mask;
    fiber.value = value;
    fiber.from = from % WARP;
    leave(State::AtCollective);
    return machine.current->given;
}

// No function of the C library here: the sanitizers watch those, and would count them as the kernel's.
void* shared(const char* name, size_t bytes) {
    for (unsigned i = 0; i < machine.array_count; i++) {
        if (machine.arrays[i].name == name) return machine.arrays[i].at;
    }
    if (machine.array_count == 64) fail("more than 64 shared arrays");
#if defined(SNN_TSAN)
    char* at = machine.arena;
    machine.arena += (bytes + 255) / 256 * 256;
#else
    char* at = static_cast<char*>(malloc(bytes));
#endif
    for (size_t i = 0; i < bytes; i++) static_cast<volatile char*>(at)[i] = static_cast<char>(0xff);
    machine.arrays[machine.array_count++] = {name, at};
    return at;
}

void launch(const unsigned grid[3], const unsigned block[3], unsigned long long seed, void (*body)(void*), void* context) {
    Machine& m = machine;
    const unsigned threads = block[0] * block[1] * block[2], blocks = grid[0] * grid[1] * grid[2];
    if (threads == 0 || threads > 1024) fail("a block has 1 to 1024 threads");
    if (blocks == 0 || grid[1] > 65535 || grid[2] > 65535) fail("a grid has at least one block, and at most 65535 in y and z");
    m.place.threads = {block[0], block[1], block[2]};
    m.place.blocks = {grid[0], grid[1], grid[2]};
    m.random = seed * 0x9E3779B97F4A7C15ull | 1;
    m.body = body;
    m.argument = context;
    m.fibers.resize(threads);
    for (unsigned i = 0; i < threads; i++) m.fibers[i].thread = {i % block[0], i / block[0] % block[1], i / (block[0] * block[1])};
#if defined(SNN_TSAN)
    m.main = __tsan_get_current_fiber();
#endif
    if (!m.arena) {
        m.arena = static_cast<char*>(pages((size_t)1 << 30));
        m.start = static_cast<char*>(pages((size_t)1 << 30));
        m.end = m.start + 1;
        m.barrier = m.start + 64;
        m.other = m.start + ((size_t)1 << 29);
    }
    release(m.start);
    std::vector<unsigned> order(blocks);
    for (unsigned i = 0; i < blocks; i++) order[i] = i;
    for (unsigned i = blocks; i > 1; i--) std::swap(order[i - 1], order[draw(i)]);
    for (const unsigned i : order) {
        m.place.block = {i % grid[0], i / grid[0] % grid[1], i / (grid[0] * grid[1])};
        run_block();
    }
    acquire(m.end);
}

}  // namespace snn_host
