//! CUDA's driver. In: the number of a device; out: its context and what it is capable of.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};

use cudarc::driver::DriverError;
use cudarc::driver::result::{self, device, primary_ctx};
use cudarc::driver::sys::{self, CUcontext, CUdevice_attribute};

use super::{Problem, Result};

/// A device, with the context that libtorch uses, too.
#[derive(Debug)]
pub(crate) struct Gpu {
    /// `Device::Cuda(..)`
    pub(crate) index: usize,
    /// 90 for compute capability 9.0.
    pub(super) capability: i32,
    /// The driver's version: 13000.
    pub(super) driver: i32,
    pub(super) name: String,
    pub(super) context: CUcontext,
}

// SAFETY: a context may be used from any thread; the driver locks it.
unsafe impl Send for Gpu {}
// SAFETY: as above.
unsafe impl Sync for Gpu {}

/// The device of that index. It is looked up once, and then stays.
pub(crate) fn gpu(index: usize) -> Result<&'static Gpu> {
    static GPUS: LazyLock<Mutex<HashMap<usize, &'static Gpu>>> = LazyLock::new(Mutex::default);
    let mut gpus = GPUS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(gpu) = gpus.get(&index) {
        return Ok(gpu);
    }
    let gpu: &'static Gpu = Box::leak(Box::new(open(index)?));
    gpus.insert(index, gpu);
    Ok(gpu)
}

fn open(index: usize) -> Result<Gpu> {
    // SAFETY: only loads the library.
    if !unsafe { sys::is_culib_present() } {
        return Err(Problem::new("there is no CUDA driver (libcuda.so.1)", "install NVIDIA's driver, or use `Device::Cpu`"));
    }
    let failed = |what: &'static str| move |e: DriverError| said(what, &e);
    result::init().map_err(failed("the CUDA driver does not start"))?;
    let count = device::get_count().map_err(failed("the CUDA driver does not count its devices"))?;
    let ordinal = i32::try_from(index).ok().filter(|index| *index < count);
    let Some(ordinal) = ordinal else {
        return Err(Problem::new(
            format!("there is no CUDA device {index}: the driver has {count}"),
            "see `nvidia-smi` and CUDA_VISIBLE_DEVICES",
        ));
    };
    let asked = failed("the CUDA device does not answer");
    let handle = device::get(ordinal).map_err(asked)?;
    // SAFETY: the handle is the driver's.
    let attribute = |which| unsafe { device::get_attribute(handle, which) }.map_err(asked);
    let major = attribute(CUdevice_attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)?;
    let minor = attribute(CUdevice_attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR)?;
    let name = device::get_name(handle).map_err(asked)?;
    let mut driver = 0;
    // SAFETY: writes one number.
    unsafe { sys::cuDriverGetVersion(&raw mut driver) }.result().map_err(asked)?;
    // SAFETY: the handle is the driver's. The context is libtorch's own, and is never released.
    let context = unsafe { primary_ctx::retain(handle) }.map_err(asked)?;
    Ok(Gpu { index, capability: 10 * major + minor, driver, name, context })
}

/// What the driver says about a call.
pub(super) fn said(what: &str, error: &DriverError) -> Problem {
    Problem::new(format!("{what}: {error}"), "run `nvidia-smi`; an error of an earlier kernel may show here")
}

/// Makes a device current on this thread, and what was current before again when dropped.
pub(super) struct Current;

impl Current {
    pub(super) fn new(gpu: &Gpu) -> Result<Current> {
        // SAFETY: the context lives forever.
        unsafe { sys::cuCtxPushCurrent_v2(gpu.context) }.result().map_err(|e| said("the CUDA context cannot be used", &e))?;
        Ok(Current)
    }
}

impl Drop for Current {
    fn drop(&mut self) {
        let mut popped = std::ptr::null_mut();
        // SAFETY: pops what `new` pushed. It cannot fail then.
        let _ = unsafe { sys::cuCtxPopCurrent_v2(&raw mut popped) };
    }
}
