//! Launches. In: a kernel's source, buffers and a grid; out: the kernel on libtorch's current stream.

use std::collections::HashMap;
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use cudarc::driver::DriverError;
use cudarc::driver::result::{self, module as modules};
use cudarc::driver::sys::{CUfunction, CUmodule, CUstream};
use snn_kernels::cuda::{Address, Arguments, Source, THREADS};
use tch::Tensor;

use super::cache::Entry;
use super::driver::{Current, Gpu, said};
use super::{Problem, Result, nvrtc};

unsafe extern "C" {
    fn snn_bridge_stream(device: c_int, stream: *mut *mut c_void, err: *mut *mut c_char) -> c_int;
    fn snn_bridge_free(message: *mut c_char);
}

/// A source, compiled and loaded on a device.
#[derive(Debug)]
pub(crate) struct Module {
    gpu: &'static Gpu,
    module: CUmodule,
}

// SAFETY: a module may be used from any thread; the driver locks it. It is never unloaded.
unsafe impl Send for Module {}
// SAFETY: as above.
unsafe impl Sync for Module {}

type Modules = HashMap<(usize, Source), Arc<Module>>;

/// The module of a source: made at its first use on a device.
pub(crate) fn module(gpu: &'static Gpu, source: &Source) -> Result<Arc<Module>> {
    static MODULES: LazyLock<Mutex<Modules>> = LazyLock::new(Mutex::default);
    // Held while a kernel is compiled: who wants the same one waits for it.
    let mut modules = MODULES.lock().unwrap_or_else(PoisonError::into_inner);
    let key = (gpu.index, source.clone());
    if let Some(module) = modules.get(&key) {
        return Ok(module.clone());
    }
    let module = Arc::new(make(gpu, source)?);
    modules.insert(key, module.clone());
    Ok(module)
}

fn make(gpu: &'static Gpu, source: &Source) -> Result<Module> {
    let (text, target) = (source.text(), nvrtc::target(gpu)?);
    let entry = Entry::new(&text, &target, gpu);
    if let Some(code) = entry.read() {
        match load(gpu, &code) {
            Ok(module) => return Ok(module),
            // What was cut short or written over.
            Err(_) => entry.remove(),
        }
    }
    let code = nvrtc::compile(&text, &target)?;
    let module = load(gpu, &code).map_err(|e| said("the CUDA driver does not load a kernel", &e))?;
    entry.write(&code);
    Ok(module)
}

fn load(gpu: &'static Gpu, code: &[u8]) -> std::result::Result<Module, DriverError> {
    // A text of PTX ends with a zero, and one more byte does no harm to code.
    let image = [code, &[0]].concat();
    let _current = Current::new(gpu).map_err(|_| DriverError(cudarc::driver::sys::CUresult::CUDA_ERROR_INVALID_CONTEXT))?;
    // SAFETY: the image lives for the call.
    let module = unsafe { modules::load_data(image.as_ptr().cast()) }?;
    Ok(Module { gpu, module })
}

impl Module {
    fn function(&self, name: &str) -> Result<CUfunction> {
        let symbol = CString::new(name).map_err(|e| Problem::new(e.to_string(), "this is a bug of snn; please report it"))?;
        // SAFETY: the module is loaded.
        unsafe { modules::get_function(self.module, symbol) }.map_err(|e| said(&format!("the CUDA driver does not find `{name}`"), &e))
    }
}

/// An argument of a launch.
pub(crate) fn arguments<A: Arguments>(argument: &mut A) -> *mut c_void {
    std::ptr::from_mut(argument).cast()
}

/// Where a tensor's elements are; nowhere if it has none.
pub(crate) fn address(x: &Tensor) -> Address {
    if x.numel() == 0 { 0 } else { x.data_ptr() as Address }
}

/// Runs a kernel of the module on the stream that libtorch uses now; blocks have [`THREADS`] threads. It is not waited for.
///
/// # Safety
///
/// The kernel takes these arguments, and the addresses in them are buffers of the module's device, as long as it wants them, that live until
/// the stream has come so far (libtorch's do: it gives memory away in the order of the stream).
pub(crate) unsafe fn launch(module: &Module, name: &str, grid: [usize; 3], arguments: &mut [*mut c_void]) -> Result<()> {
    if grid.contains(&0) {
        return Ok(());
    }
    let [x, y, z] = grid.map(|blocks| u32::try_from(blocks).unwrap_or(u32::MAX));
    let function = module.function(name)?;
    let stream = stream(module.gpu)?;
    let _current = Current::new(module.gpu)?;
    // SAFETY: the caller's promise.
    let launched = unsafe { result::launch_kernel(function, (x, y, z), (THREADS, 1, 1), 0, stream, arguments) };
    launched.map_err(|e| said(&format!("`{name}` cannot be launched on {}", module.gpu.name), &e))
}

/// libtorch's current stream of a device.
fn stream(gpu: &Gpu) -> Result<CUstream> {
    let (mut stream, mut err) = (std::ptr::null_mut(), std::ptr::null_mut());
    // SAFETY: writes one pointer.
    let rc = unsafe { snn_bridge_stream(gpu.index as c_int, &raw mut stream, &raw mut err) };
    if rc == 0 {
        return Ok(stream.cast());
    }
    // SAFETY: a message made by the C++ side, freed once.
    let message = unsafe {
        let message = if err.is_null() { String::new() } else { CStr::from_ptr(err).to_string_lossy().into_owned() };
        snn_bridge_free(err);
        message
    };
    let message = message.lines().next().unwrap_or_default().to_string();
    Err(Problem::new(format!("libtorch has no CUDA stream: {message}"), "use the CUDA build of libtorch: `export LIBTORCH_USE_PYTORCH=1`"))
}
