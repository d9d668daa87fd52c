// A stand-in for libnvrtc.so.13. In: CUDA C++; out: the same text, compiled for the host with `kernels/cuda/host.hpp` in front of it.
//
// SNN_HEADERS is the folder of `host.hpp`. SNN_STAND_IN="nvrtc=6,.." in the environment makes compiling fail.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <string>

#include <unistd.h>

namespace {

struct Program {
    std::string text, log, image;
};

unsigned long long compiled;

std::string read(const std::string& file) {
    std::stringstream all;
    all << std::ifstream(file, std::ios::binary).rdbuf();
    return all.str();
}

int give(const std::string& from, char* to) {
    memcpy(to, from.data(), from.size());
    return 0;
}

}  // namespace

extern "C" {

unsigned long long snn_stand_in_compiled() { return compiled; }

int nvrtcVersion(int* major, int* minor) {
    *major = 13;
    *minor = 0;
    return 0;
}
int nvrtcGetNumSupportedArchs(int* count) {
    *count = 3;
    return 0;
}
int nvrtcGetSupportedArchs(int* archs) {
    archs[0] = 75;
    archs[1] = 90;
    archs[2] = 120;
    return 0;
}
int nvrtcCreateProgram(Program** program, const char* text, const char*, int headers, const char* const*, const char* const*) {
    *program = new Program{text, "", ""};
    return headers == 0 ? 0 : 3;
}
int nvrtcDestroyProgram(Program** program) {
    delete *program;
    *program = nullptr;
    return 0;
}
int nvrtcCompileProgram(Program* program, int count, const char* const* options) {
    bool known = false;
    for (int i = 0; i < count; i++) {
        const std::string option = options[i];
        if (option.rfind("--gpu-architecture=", 0) == 0) known = true;
        else if (option != "--std=c++17" && option != "--fmad=false") return 5;
    }
    const char* told = getenv("SNN_STAND_IN");
    if (!known) return 5;
    if (told && strstr(told, "nvrtc=")) {
        program->log = "snn.cu(1): error: told to fail";
        return 6;
    }
    char folder[] = "/tmp/snn-stand-in-XXXXXX";
    if (!mkdtemp(folder)) return 1;
    const std::string dir = folder;
    std::ofstream(dir + "/snn.cpp") << "#include \"host.hpp\"\n" << program->text;
    const char* compiler = getenv("CXX");
    const std::string command = std::string(compiler ? compiler : "c++") + " -std=c++17 -O1 -ffp-contract=off -w -shared -fPIC -I '" SNN_HEADERS
                                "' -o " + dir + "/snn.so " + dir + "/snn.cpp 2> " + dir + "/log";
    const int rc = system(command.c_str());
    program->log = read(dir + "/log");
    const std::string object = read(dir + "/snn.so");
    const unsigned long long length = object.size();
    program->image = "stand-in" + std::string(reinterpret_cast<const char*>(&length), sizeof length) + object;
    for (const char* file : {"/snn.cpp", "/snn.so", "/log"}) unlink((dir + file).c_str());
    rmdir(folder);
    compiled++;
    return rc == 0 ? 0 : 6;
}
int nvrtcGetProgramLogSize(Program* program, size_t* size) {
    *size = program->log.size() + 1;
    return 0;
}
int nvrtcGetProgramLog(Program* program, char* log) {
    log[program->log.size()] = 0;
    return give(program->log, log);
}
int nvrtcGetCUBINSize(Program* program, size_t* size) {
    *size = program->image.size();
    return 0;
}
int nvrtcGetCUBIN(Program* program, char* image) { return give(program->image, image); }
int nvrtcGetPTXSize(Program* program, size_t* size) { return nvrtcGetCUBINSize(program, size); }
int nvrtcGetPTX(Program* program, char* image) { return give(program->image, image); }
}
