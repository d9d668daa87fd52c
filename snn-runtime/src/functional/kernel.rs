//! `kernel_dot_product`. In: two sets of vectors; out: how alike each pair is.

use tch::{TchError, Tensor};

use crate::error::{Error, Result};

/// A measure of likeness. (SpikingJelly: the string `kernel` and its arguments.)
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kernel {
    /// x · y
    Linear,
    /// (x · y)^d
    Polynomial {
        /// The exponent.
        d: f64,
    },
    /// 1 / (1 + e^(-alpha x · y))
    Sigmoid {
        /// The slope.
        alpha: f64,
    },
    /// e^(-|x - y|² / (2 sigma²))
    Gaussian {
        /// The width, not 0.
        sigma: f64,
    },
}

/// The likeness of all pairs: `[N, M]` and `[K, M]` to `[N, K]`.
///
/// SpikingJelly equivalent: `functional.kernel_dot_product(x, y, kernel, *args)`, whose Gaussian kernel wants N = K.
///
/// # Errors
///
/// The vectors differ in length, or the width is 0.
pub fn kernel_dot_product(x: &Tensor, y: &Tensor, kernel: Kernel) -> Result<Tensor> {
    const NAME: &str = "kernel_dot_product";
    super::rank(NAME, "x", x, "[N, M]")?;
    if y.dim() != 2 || y.size()[1] != x.size()[1] {
        return Err(Error::shape(NAME, format!("`y` of [K, {}], as long as `x`", x.size()[1]), &y.size(), ""));
    }
    if let Kernel::Gaussian { sigma } = kernel
        && !(sigma.is_finite() && sigma != 0.0)
    {
        return Err(Error::argument(NAME, "sigma", format!("is a width, but is {sigma:?}"), ""));
    }
    product(x, y, kernel).map_err(Error::in_layer(NAME))
}

fn product(x: &Tensor, y: &Tensor, kernel: Kernel) -> Result<Tensor, TchError> {
    let dot = x.f_mm(&y.f_tr()?)?;
    match kernel {
        Kernel::Linear => Ok(dot),
        Kernel::Polynomial { d } => dot.f_pow_tensor_scalar(d),
        Kernel::Sigmoid { alpha } => dot.f_mul_scalar(alpha)?.f_sigmoid(),
        Kernel::Gaussian { sigma } => {
            let square = |v: &Tensor, axis| v.f_square()?.f_sum_dim_intlist(1, false, None)?.f_unsqueeze(axis);
            let distance = square(x, 1)?.f_add(&square(y, 0)?)?.f_sub(&dot.f_mul_scalar(2.0)?)?;
            // Of equal rows it may round to less than nothing, and they would be more than alike.
            distance.f_clamp_min(0)?.f_mul_scalar(-0.5 / (sigma * sigma))?.f_exp()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kernel_by_hand() {
        let (x, y) = (Tensor::from_slice2(&[[1.0, 2.0]]), Tensor::from_slice2(&[[3.0, 1.0], [1.0, 2.0]]));
        let of = |kernel| Vec::<f64>::try_from(kernel_dot_product(&x, &y, kernel).unwrap().reshape([-1])).unwrap();
        assert_eq!(of(Kernel::Linear), [5.0, 5.0]);
        assert_eq!(of(Kernel::Polynomial { d: 2.0 }), [25.0, 25.0]);
        let close = |got: Vec<f64>, want: [f64; 2]| assert!(got.iter().zip(want).all(|(g, w)| (g - w).abs() < 1e-12), "{got:?}");
        close(of(Kernel::Sigmoid { alpha: 0.2 }), [1.0 / (1.0 + (-1.0f64).exp()); 2]);
        close(of(Kernel::Gaussian { sigma: 1.0 }), [(-2.5f64).exp(), 1.0]);
    }

    #[test]
    fn what_does_not_fit_is_told() {
        let x = Tensor::from_slice2(&[[1.0, 2.0]]);
        let say = |y: &Tensor, kernel| kernel_dot_product(&x, y, kernel).unwrap_err().to_string();
        assert!(say(&Tensor::from_slice2(&[[1.0]]), Kernel::Linear).contains("wants `y` of [K, 2]"));
        assert!(say(&x, Kernel::Gaussian { sigma: 0.0 }).contains("`sigma` is a width, but is 0.0"));
    }
}
