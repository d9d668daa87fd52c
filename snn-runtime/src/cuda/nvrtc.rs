//! NVRTC. In: CUDA C++ and a device; out: code for it.

use std::ffi::{CString, c_char};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::{env, fs};

use cudarc::nvrtc::result::NvrtcError;
use cudarc::nvrtc::{result, sys};

use super::driver::Gpu;
use super::{Problem, Result};

/// Where libtorch lay when this was built.
const LIBTORCH: &str = env!("SNN_LIBTORCH_LIB");

/// Folders beside libtorch's in which pip puts NVRTC, and its name there.
const BESIDE: [(&str, &str); 2] = [("../../nvidia/cu13/lib", "libnvrtc.so.13"), ("../../nvidia/cuda_nvrtc/lib", "libnvrtc.so.12")];

/// What NVRTC is asked to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) options: Vec<String>,
    /// Code for the device itself; else for a virtual one, which the driver translates.
    binary: bool,
    /// NVRTC's version.
    pub(super) version: (i32, i32),
}

/// Loads the library, once: from `$SNN_NVRTC` (a folder), from where pip put it, or from the loader's
/// path.
pub(super) fn load() -> Result<()> {
    static LOADED: LazyLock<bool> = LazyLock::new(|| {
        let own = env::var_os("SNN_NVRTC").map(PathBuf::from);
        let own = own.iter().flat_map(|folder| BESIDE.map(|(_, name)| folder.join(name)));
        let beside = BESIDE.iter().map(|(folder, name)| Path::new(LIBTORCH).join(folder).join(name));
        if let Some(file) = own.chain(beside).find(|file| file.exists()) {
            // It looks for its own second library by name only.
            siblings(&file).for_each(|file| keep(&file));
            keep(&file);
        }
        // SAFETY: only loads the library.
        unsafe { sys::is_culib_present() }
    });
    let help = "install it: `pip install nvidia-cuda-nvrtc`, and set SNN_NVRTC to the folder of libnvrtc.so";
    if *LOADED { Ok(()) } else { Err(Problem::new("there is no NVRTC (libnvrtc.so), which compiles the kernels", help)) }
}

fn siblings(file: &Path) -> impl Iterator<Item = PathBuf> {
    let files = file.parent().and_then(|folder| fs::read_dir(folder).ok()).into_iter().flatten().flatten();
    files.map(|file| file.path()).filter(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with("libnvrtc-builtins.so")
    })
}

/// Loads a library, so that it is found by its name from now on. One that cannot be loaded is missed by whoever needs it.
fn keep(file: &Path) {
    // SAFETY: loading NVRTC runs its initialisers only.
    if let Ok(library) = unsafe { libloading::Library::new(file) } {
        std::mem::forget(library);
    }
}

/// The best that this NVRTC can do for a device.
pub(super) fn target(gpu: &Gpu) -> Result<Target> {
    load()?;
    let asked = |e: NvrtcError| Problem::new(format!("NVRTC does not answer: {e}"), "install it again");
    let version = version().map_err(asked)?;
    let mut count = 0;
    // SAFETY: writes one number.
    unsafe { sys::nvrtcGetNumSupportedArchs(&raw mut count) }.result().map_err(asked)?;
    let mut supported = vec![0; usize::try_from(count).unwrap_or(0)];
    // SAFETY: writes as many numbers as it said.
    unsafe { sys::nvrtcGetSupportedArchs(supported.as_mut_ptr()) }.result().map_err(asked)?;
    choose(gpu, &supported, version)
}

/// The library's version; it is loaded.
pub(super) fn version() -> std::result::Result<(i32, i32), NvrtcError> {
    let (mut major, mut minor) = (0, 0);
    // SAFETY: writes two numbers.
    unsafe { sys::nvrtcVersion(&raw mut major, &raw mut minor) }.result()?;
    Ok((major, minor))
}

fn choose(gpu: &Gpu, supported: &[i32], version: (i32, i32)) -> Result<Target> {
    let best = supported.iter().copied().filter(|arch| *arch <= gpu.capability).max();
    let Some(best) = best else {
        let oldest = supported.iter().min().copied().unwrap_or(0);
        let problem = format!(
            "the device ({}) has compute capability {}, but NVRTC {}.{} compiles for {} and newer",
            gpu.name,
            tenths(gpu.capability),
            version.0,
            version.1,
            tenths(oldest)
        );
        return Err(Problem::new(problem, "use a newer device, or an older NVRTC"));
    };
    let binary = best == gpu.capability;
    Ok(Target { options: options(&format!("{}_{best}", if binary { "sm" } else { "compute" })), binary, version })
}

/// What NVRTC is told for an architecture.
pub(super) fn options(architecture: &str) -> Vec<String> {
    // Roundings are spelled out in the source, so contraction has nothing to do; said again for whoever adds a kernel.
    vec![format!("--gpu-architecture={architecture}"), "--std=c++17".into(), "--fmad=false".into()]
}

fn tenths(capability: i32) -> String {
    format!("{}.{}", capability / 10, capability % 10)
}

/// Compiles a text.
pub(super) fn compile(text: &str, target: &Target) -> Result<Vec<u8>> {
    let program = Program::new(text, &target.options)?;
    if target.binary { program.binary() } else { program.ptx() }
}

/// A compiled text.
pub(super) struct Program(sys::nvrtcProgram);

fn bug(e: impl std::fmt::Display) -> Problem {
    Problem::new(format!("NVRTC refuses a kernel: {e}"), "this is a bug of snn; please report it")
}

impl Program {
    pub(super) fn new(text: &str, options: &[String]) -> Result<Program> {
        load()?;
        let text = CString::new(text).map_err(bug)?;
        let program = Program(result::create_program(&text, Some(c"snn.cu")).map_err(bug)?);
        // SAFETY: the program was just made, and NVRTC has its own copy of the text.
        unsafe { result::compile_program(program.0, options) }.map_err(|e| bug(format!("{e}\n{}", program.log())))?;
        Ok(program)
    }

    /// What NVRTC had to say.
    pub(super) fn log(&self) -> String {
        // SAFETY: the program is there.
        let log = unsafe { result::get_program_log(self.0) }.unwrap_or_default();
        let log: Vec<u8> = log.into_iter().take_while(|c| *c != 0).map(|c| c as u8).collect();
        String::from_utf8_lossy(&log).into_owned()
    }

    /// The code in the language of the virtual device.
    pub(super) fn ptx(&self) -> Result<Vec<u8>> {
        // SAFETY: the program was compiled.
        Ok(unsafe { result::get_ptx(self.0) }.map_err(bug)?.into_iter().map(|c| c as u8).collect())
    }

    /// The code of the device itself.
    fn binary(&self) -> Result<Vec<u8>> {
        let mut size = 0;
        // SAFETY: the program was compiled; writes one number.
        unsafe { sys::nvrtcGetCUBINSize(self.0, &raw mut size) }.result().map_err(bug)?;
        let mut image = vec![0u8; size];
        // SAFETY: writes as many bytes as it said.
        unsafe { sys::nvrtcGetCUBIN(self.0, image.as_mut_ptr().cast::<c_char>()) }.result().map_err(bug)?;
        Ok(image)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // SAFETY: made once, destroyed once.
        let _ = unsafe { result::destroy_program(self.0) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(capability: i32) -> Result<Target> {
        let gpu = Gpu { index: 0, capability, driver: 13000, name: "Test".into(), context: std::ptr::null_mut() };
        choose(&gpu, &[75, 80, 86, 90, 100, 120], (13, 0))
    }

    #[test]
    fn a_known_device_gets_its_own_code() {
        let target = of(86).unwrap();
        assert!(target.binary && target.options.contains(&"--gpu-architecture=sm_86".to_string()), "{target:?}");
    }

    #[test]
    fn a_newer_device_gets_code_that_the_driver_translates() {
        for (capability, virtual_one) in [(89, 86), (130, 120)] {
            let target = of(capability).unwrap();
            assert!(!target.binary && target.options.contains(&format!("--gpu-architecture=compute_{virtual_one}")), "{target:?}");
        }
    }

    #[test]
    fn an_old_device_is_refused() {
        let problem = of(61).unwrap_err();
        assert_eq!(problem.problem, "the device (Test) has compute capability 6.1, but NVRTC 13.0 compiles for 7.5 and newer");
    }
}
