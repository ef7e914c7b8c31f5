//! IPv4 and IPv6 operands with their masks.

use super::Operand;
use super::lexer::{Kind, Token};
use super::parser::Parser;
use crate::filter::error::{Error, Problem};

impl<'a> Parser<'a> {
    /// `10.1`, `10.1.0.0/16`, `10.1.0.0 mask 255.255.0.0`. What is left out of an address is zero and outside its mask.
    pub(super) fn inet4(&mut self) -> Result<Operand<'a>, Error> {
        let token = self.advance();
        let (address, bits) = self.dotted(token)?;
        let (mask, explicit) = if self.accept("/") {
            (prefix(self.prefix_length(32)?), true)
        } else if self.accept("mask") {
            let second = self.peek();
            if second.kind != Kind::Dotted {
                return Err(self.unexpected("a mask such as 255.255.255.0"));
            }
            self.advance();
            (self.dotted(second)?.0, true)
        } else {
            (prefix(bits), false)
        };
        if address & !mask != 0 {
            let written = self.text(token.start);
            let problem = Problem::Address(format!("`{written}` has bits set outside of its mask"));
            return Err(self.error(problem, token.start..self.end()));
        }
        Ok(Operand::Inet4 { address, mask, explicit })
    }

    /// `fe80::/10`
    pub(super) fn inet6(&mut self) -> Result<Operand<'a>, Error> {
        let token = self.advance();
        let Kind::Inet6(address) = token.kind else { return Err(self.unexpected("an IPv6 address")) };
        let explicit = self.accept("/");
        let length = if explicit { self.prefix_length(128)? } else { 128 };
        let host_bits = u128::MAX.checked_shr(length).unwrap_or(0);
        if address.to_bits() & host_bits != 0 {
            let written = self.text(token.start);
            let problem = Problem::Address(format!("`{written}` has bits set outside of its mask"));
            return Err(self.error(problem, token.start..self.end()));
        }
        Ok(Operand::Inet6 { address, length, explicit })
    }

    fn prefix_length(&mut self, most: u32) -> Result<u32, Error> {
        let token = self.peek();
        match token.kind {
            Kind::Number(length) if length <= most => {
                self.advance();
                Ok(length)
            }
            Kind::Number(length) => {
                let problem =
                    Problem::Number(format!("a mask of {length} bits is longer than the address, {most} bits"));
                Err(self.error(problem, token.place()))
            }
            _ => Err(self.unexpected("the number of bits in the mask")),
        }
    }

    /// The number in the upper bits, and how many bits were written.
    fn dotted(&self, token: Token<'_>) -> Result<(u32, u32), Error> {
        let mut address = 0;
        let mut bits = 0;
        for group in token.text.split('.') {
            let Ok(byte) = group.parse::<u8>() else {
                let problem = Problem::Address(format!("`{}` is not an IPv4 address", token.text));
                return Err(self.error(problem, token.place()));
            };
            bits += 8;
            address |= u32::from(byte) << (32 - bits);
        }
        Ok((address, bits))
    }
}

/// A mask of `length` bits, at most 32.
fn prefix(length: u32) -> u32 {
    !u32::MAX.checked_shr(length).unwrap_or(0)
}
