// Runs launches of kernels that are linked to it. In: a file of launches, as `kernels/src/tests/cuda/program.rs` writes it; out: a file with
// what their buffers hold afterwards.
//
// A launch, all numbers 64 bits, little-endian: the length of the kernel's name and the name; grid, block (3 each) and seed; the buffers: how
// many, and of each its length and bytes; the arguments: how many, and of each its length and bytes; the pointers in them: how many, and of
// each the argument, the offset in it, the buffer and the offset there. Each buffer is a heap block of its own.
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include <dlfcn.h>

static void need(bool holds, const char* what) {
    if (holds) return;
    fprintf(stderr, "the launches cannot be run: %s\n", what);
    exit(2);
}

static size_t number(FILE* file) {
    unsigned long long n;
    need(fread(&n, sizeof n, 1, file) == 1, "the file ends early");
    return n;
}

static char* block(FILE* file, size_t bytes) {
    char* at = static_cast<char*>(malloc(bytes));
    need(bytes == 0 || fread(at, bytes, 1, file) == 1, "the file ends early");
    return at;
}

typedef void (*Launch)(const unsigned* grid, const unsigned* block, unsigned long long seed, void** arguments);

int main(int count, char** names) {
    need(count == 3, "two files are needed");
    FILE *in = fopen(names[1], "rb"), *out = fopen(names[2], "wb");
    need(in && out, "a file cannot be opened");
    for (size_t launches = number(in); launches > 0; launches--) {
        const size_t length = number(in);
        char* name = block(in, length);
        const std::string symbol = std::string(name, length) + "_launch";
        free(name);
        const Launch launch = reinterpret_cast<Launch>(dlsym(RTLD_DEFAULT, symbol.c_str()));
        need(launch, symbol.c_str());
        unsigned sizes[6];
        for (unsigned& size : sizes) size = (unsigned)number(in);
        const unsigned long long seed = number(in);

        std::vector<std::pair<size_t, char*>> buffers(number(in));
        for (auto& buffer : buffers) buffer = {number(in), nullptr}, buffer.second = block(in, buffer.first);
        std::vector<void*> arguments(number(in));
        for (void*& argument : arguments) argument = block(in, number(in));
        for (size_t pointers = number(in); pointers > 0; pointers--) {
            const size_t argument = number(in), offset = number(in), buffer = number(in), skip = number(in);
            *reinterpret_cast<char**>(static_cast<char*>(arguments[argument]) + offset) = buffers[buffer].second + skip;
        }
        launch(sizes, sizes + 3, seed, arguments.data());
        for (const auto& buffer : buffers) {
            need(buffer.first == 0 || fwrite(buffer.second, buffer.first, 1, out) == 1, "a file cannot be written");
            free(buffer.second);
        }
        for (void* argument : arguments) free(argument);
    }
    return fclose(out) == 0 ? 0 : 2;
}
