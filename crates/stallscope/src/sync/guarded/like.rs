//! What every guard is beside its name: something that can be read, shown, and perhaps written.

/// `Deref`, `Debug` and `Display` for a guard with a field `inner`; with `mut`, `DerefMut` too.
macro_rules! guard_like {
    (mut $($guard:tt)*) => {
        guard_like!($($guard)*);
        guard_like!(@mut $($guard)*);
    };
    (@mut [$($generics:tt)*] $type:ty => $value:ident) => {
        impl<$($generics)*> std::ops::DerefMut for $type {
            #[inline]
            fn deref_mut(&mut self) -> &mut $value {
                &mut self.inner
            }
        }
    };
    ([$($generics:tt)*] $type:ty => $value:ident) => {
        impl<$($generics)*> std::ops::Deref for $type {
            type Target = $value;

            #[inline]
            fn deref(&self) -> &$value {
                &self.inner
            }
        }

        impl<$($generics)*> std::fmt::Debug for $type
        where
            $value: std::fmt::Debug,
        {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Debug::fmt(&**self, formatter)
            }
        }

        impl<$($generics)*> std::fmt::Display for $type
        where
            $value: std::fmt::Display,
        {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(&**self, formatter)
            }
        }
    };
}

pub(in crate::sync) use guard_like;
