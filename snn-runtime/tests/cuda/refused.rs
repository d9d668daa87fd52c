//! What is missing or refused, on the device. In: a layer and a fault; out: an error that names the layer, what is wrong and the fix.

use snn_runtime::{Device, Kind, LIFNode, LIFNodeConfig, Layer, TemporalWiseAttention, TemporalWiseAttentionConfig, Tensor, nn};
use snn_stand_in::Parts;

use crate::process::alone;
use crate::support::{EVAL, TRAIN, build};

/// What a layer of neurons says on a device.
fn says(device: Device) -> String {
    let vs = nn::VarStore::new(Device::Cpu);
    let layer: LIFNode = build(&vs, "sn", LIFNodeConfig::default()).unwrap();
    let x = Tensor::zeros([2, 3], (Kind::Float, device));
    layer.step(&x, &mut layer.state(), &EVAL).unwrap_err().to_string()
}

macro_rules! refused {
    ($($name:ident: $parts:ident, $faults:literal, $device:literal => $says:expr;)*) => {$(
        #[test]
        fn $name() {
            alone(concat!("refused::", stringify!($name)), Parts::$parts, $faults, || assert_eq!(says(Device::Cuda($device)), $says));
        }
    )*};
}

refused! {
    no_driver: NoDriver, "", 0 =>
        "Net.sn: there is no CUDA driver (libcuda.so.1)\n  help: install NVIDIA's driver, or use `Device::Cpu`";
    no_nvrtc: NoNvrtc, "", 0 =>
        "Net.sn: there is no NVRTC (libnvrtc.so), which compiles the kernels\n  \
         help: install it: `pip install nvidia-cuda-nvrtc`, and set SNN_NVRTC to the folder of libnvrtc.so";
    no_device: All, "cuInit=100", 0 =>
        "Net.sn: the CUDA driver does not start: DriverError(CUDA_ERROR_NO_DEVICE, \"CUDA_ERROR_NO_DEVICE\")\n  \
         help: run `nvidia-smi`; an error of an earlier kernel may show here";
    no_such_device: All, "", 1 =>
        "Net.sn: there is no CUDA device 1: the driver has 1\n  help: see `nvidia-smi` and CUDA_VISIBLE_DEVICES";
    an_old_device: All, "capability=61", 0 =>
        "Net.sn: the device (Stand-in) has compute capability 6.1, but NVRTC 13.0 compiles for 7.5 and newer\n  \
         help: use a newer device, or an older NVRTC";
    a_launch_that_fails: All, "cuLaunchKernel=700", 0 =>
        "Net.sn: `snn_forward` cannot be launched on Stand-in: DriverError(CUDA_ERROR_ILLEGAL_ADDRESS, \"CUDA_ERROR_ILLEGAL_ADDRESS\")\n  \
         help: run `nvidia-smi`; an error of an earlier kernel may show here";
}

#[test]
fn a_kernel_that_nvrtc_refuses() {
    alone("refused::a_kernel_that_nvrtc_refuses", Parts::All, "nvrtc=6", || {
        // SAFETY: the only test of this process: nothing is found in the cache.
        unsafe { std::env::set_var("SNN_CUDA_CACHE", std::env::temp_dir().join("snn-cuda-cache-none")) };
        let said = says(Device::Cuda(0));
        assert!(said.contains("Net.sn: NVRTC refuses a kernel") && said.contains("snn.cu(1): error: told to fail"), "{said}");
    });
}

#[test]
fn weights_of_another_device() {
    alone("refused::weights_of_another_device", Parts::All, "", || {
        let vs = nn::VarStore::new(Device::Cpu);
        let layer: TemporalWiseAttention = build(&vs, "twa", TemporalWiseAttentionConfig { T: 2, reduction: 1, dimension: 2 }).unwrap();
        let x = Tensor::ones([2, 3, 4], (Kind::Float, Device::Cuda(0)));
        let said = layer.sequence(&x, &mut (), &TRAIN).unwrap_err().to_string();
        assert_eq!(
            said,
            "Net.twa: wants a tensor on Cuda(0), but gets one on Cpu\n  help: keep the model and its input on `Device::Cuda(0)`"
        );
    });
}

#[test]
fn a_state_of_another_device() {
    alone("refused::a_state_of_another_device", Parts::All, "", || {
        let vs = nn::VarStore::new(Device::Cpu);
        let layer: LIFNode = build(&vs, "sn", LIFNodeConfig::default()).unwrap();
        let mut s = layer.state();
        let _spikes = layer.step(&Tensor::zeros([2, 3], (Kind::Float, Device::Cpu)), &mut s, &EVAL).unwrap();
        let said = layer.step(&Tensor::zeros([2, 3], (Kind::Float, Device::Cuda(0))), &mut s, &EVAL).unwrap_err().to_string();
        assert_eq!(
            said,
            "Net.sn: wants a tensor on Cuda(0), but gets one on Cpu\n  help: keep the model and its input on `Device::Cuda(0)`"
        );
    });
}
